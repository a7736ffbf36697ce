import { circuitBreaker, CircuitState, ConsecutiveBreaker, handleWhen } from 'cockatiel'
import type { Clock } from '../ports.ts'
import { lengthOfRest } from './rest.ts'
import { UpstreamTrouble } from './trouble.ts'

/** Keeps requests off what has failed for a while, then lets one through to see whether it is back. */
export interface Breaker {
  /** It has not failed, or its rest is over and nobody tries it yet. */
  isReady(): boolean
  /** It has failed, and has not answered since. */
  isOpen(): boolean
  /** Why it rests, with the wait that is left; undefined while it is ready. */
  rest(): Rest | undefined
  /** Runs the work whether or not it is ready; its outcome counts. */
  run<T>(work: () => Promise<T>): Promise<T>
  /** Counts a failure that came to light after the answer. */
  blame(trouble: UpstreamTrouble): void
}

export interface Rest {
  readonly until: number
  /** The other side has named the time, and is not asked before. */
  readonly isStated: boolean
  readonly trouble: UpstreamTrouble
}

export interface BreakerOptions {
  readonly clock: Clock
  /** Which troubles count. */
  readonly counts: (trouble: UpstreamTrouble) => boolean
  /** It has begun to fail. */
  readonly onOpen: (rest: Rest) => void
  /** It has answered again. */
  readonly onClose: () => void
}

export function createBreaker({ clock, counts, onOpen, onClose }: BreakerOptions): Breaker {
  let last: Rest | undefined
  let endsAt = 0
  let wasToEndAt = 0
  let lengthMs = 0
  let streak = 0

  const begin = (trouble: UpstreamTrouble): void => {
    const now = clock.now()
    const sinceMs = last === undefined ? Infinity : now - last.until
    // It grows when it fails again soon after a rest, not when it is asked in its rest for want of another.
    if (sinceMs > lengthMs) streak = 1
    else if (sinceMs >= 0) streak += 1
    const length = lengthOfRest(trouble, streak, Math.random())
    lengthMs = length.milliseconds
    endsAt = now + lengthMs
    last = { until: endsAt, isStated: length.isStated, trouble }
  }
  // The library measures a rest by Date.now(); asked for its length, ours answers by the clock of the ports.
  const backoff = {
    get duration() {
      return isOver() ? -Infinity : Infinity
    },
    next: ({ result }: { readonly result: object }) => {
      if (!('error' in result && result.error instanceof UpstreamTrouble)) return backoff
      if (result.error.isOurs) endsAt = wasToEndAt
      else begin(result.error)
      return backoff
    },
  }
  const policy = circuitBreaker(
    handleWhen((error) => error instanceof UpstreamTrouble && isFailure(error)),
    { breaker: new ConsecutiveBreaker(1), halfOpenAfter: backoff },
  )
  let isOpen = false
  policy.onBreak(() => {
    const isNews = !isOpen
    isOpen = true
    if (isNews && last) onOpen(last)
  })
  policy.onReset(() => {
    isOpen = false
    onClose()
  })

  return {
    isReady,
    isOpen: () => isOpen,
    rest: () => (isReady() ? undefined : last),
    run(work) {
      // Somebody tries it already: that decides whether it is back.
      if (policy.state === CircuitState.HalfOpen) return work()
      wasToEndAt = endsAt
      endsAt = clock.now()
      return policy.execute(work)
    },
    blame(trouble) {
      const fail = (): Promise<never> => Promise.reject(trouble)
      policy.execute(fail).catch(() => undefined)
    },
  }

  /** Trouble of our own is none of its failures; in a trial it does not show that it is back, either. */
  function isFailure(trouble: UpstreamTrouble): boolean {
    return trouble.isOurs ? policy.state === CircuitState.HalfOpen : counts(trouble)
  }

  function isReady(): boolean {
    if (policy.state === CircuitState.Closed) return true
    return policy.state === CircuitState.Open && isOver()
  }

  function isOver(): boolean {
    const leftMs = endsAt - clock.now()
    // With more left than there was, the clock has been set back.
    return leftMs <= 0 || leftMs > lengthMs
  }
}
