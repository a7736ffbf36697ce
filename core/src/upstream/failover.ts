import type { UpstreamConfig } from '../config/config.ts'
import { isDenied, isUnknown } from '../errors.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Clock } from '../ports.ts'
import type { Rest } from './breaker.ts'
import type { Endpoint } from './endpoint.ts'
import { BadRedirect } from './exchange.ts'
import { isByDigest, isCounted, type Question, type Take } from './question.ts'
import { UpstreamTrouble } from './trouble.ts'

export interface FailoverOptions {
  readonly upstream: UpstreamConfig
  readonly clock: Clock
  readonly metrics: Metrics
}

export type AskInTurn = <T>(question: Question, take: Take<T>) => Promise<T>

/** An endpoint in the order in which a question goes to them. */
interface Turn {
  readonly endpoint: Endpoint
  /** Its part of the time, against the others'. */
  readonly weight: number
}

/** Asks one endpoint after the other, until one of them answers. */
export function createAskInTurn(
  endpoints: readonly Endpoint[],
  { upstream, clock, metrics }: FailoverOptions,
): AskInTurn {
  return async (question, take) => {
    const { turns, skipped, isAnyResting } = toTurns(endpoints, question)
    let trouble: UpstreamTrouble | undefined
    let refusal: Error | undefined
    for (const [index, { endpoint }] of turns.entries()) {
      const leftMs = question.deadline - clock.now()
      if (index > 0 && leftMs <= 0) break
      try {
        if (turns.length === 1) return await askAgainOnBreak(endpoint, question, take)
        return await endpoint.ask(question, take, shareOf(leftMs, turns.slice(index)))
      } catch (error) {
        const reason = reasonToGoOn(error, question, trouble !== undefined || isAnyResting)
        if (reason === undefined) throw error
        if (error instanceof UpstreamTrouble) trouble ??= error
        else refusal ??= error as Error
        if (index + 1 < turns.length) metrics.failovers.add(1, upstream.name, reason)
      }
    }
    // Who was not asked, or did not say, may well have it.
    const unheard = trouble ?? (skipped[0] && withWait(skipped[0]))
    throw unheard ?? refusal ?? new Error(`${upstream.name} has no endpoint`)
  }

  /** A broken connection may have been that one's fault alone, and there is nobody else to ask. */
  async function askAgainOnBreak<T>(
    endpoint: Endpoint,
    question: Question,
    take: Take<T>,
  ): Promise<T> {
    const leftMs = (): number => question.deadline - clock.now()
    try {
      return await endpoint.ask(question, take, leftMs())
    } catch (error) {
      const isBroken =
        error instanceof UpstreamTrouble &&
        error.reason === 'unreachable' &&
        !error.isOurs &&
        !(error.cause instanceof BadRedirect)
      if (!isBroken || leftMs() <= 0) throw error
      return endpoint.ask(question, take, leftMs())
    }
  }

  /** What makes another endpoint worth asking; undefined where the answer is the last word. */
  function reasonToGoOn(
    error: unknown,
    question: Question,
    isDoubtful: boolean,
  ): string | undefined {
    if (error instanceof UpstreamTrouble) return error.reason
    // Where another one should have been heard first: what a digest names is somewhere, as something has named
    // it, and what one endpoint's accounts may not see says nothing of another's.
    const isListed = upstream.failoverOn.has('not-found')
    const isElsewhere = isListed || (isDoubtful && isByDigest(question))
    if (isUnknown(error)) return isElsewhere ? 'not-found' : undefined
    // Docker Hub and others deny what does not exist (registries.md, section 0.5).
    return isDenied(error) && (isListed || isDoubtful) ? 'denied' : undefined
  }

  function withWait({ trouble, until }: Rest): UpstreamTrouble {
    const retryAfterSeconds = Math.max(1, Math.ceil((until - clock.now()) / 1000))
    const { reason, message } = trouble
    return new UpstreamTrouble(upstream.name, reason, message, {
      cause: trouble,
      retryAfterSeconds,
    })
  }
}

/** One that rests is asked last, and for a short time. */
const restingWeight = 0.25

/**
 * The endpoints in their order, then those that rest for as long as we guessed. Who has told us to wait is
 * asked only where there is nobody else: the first whose time comes.
 */
function toTurns(
  endpoints: readonly Endpoint[],
  question: Question,
): {
  readonly turns: readonly Turn[]
  readonly skipped: readonly Rest[]
  readonly isAnyResting: boolean
} {
  const all = endpoints.map((endpoint) => ({ endpoint, rest: endpoint.rest(isCounted(question)) }))
  const ready = all.filter(({ rest }) => rest === undefined)
  const resting = all
    .flatMap(({ endpoint, rest }) => (rest ? [{ endpoint, rest }] : []))
    .toSorted((one, other) => one.rest.until - other.rest.until)
  const guessed = resting.filter(({ rest }) => !rest.isStated)
  const last = ready.length + guessed.length > 0 ? guessed : resting.slice(0, 1)
  return {
    turns: [
      ...ready.map(({ endpoint }) => ({ endpoint, weight: 1 })),
      ...last.map(({ endpoint }) => ({ endpoint, weight: restingWeight })),
    ],
    skipped: resting.filter((one) => !last.includes(one)).map(({ rest }) => rest),
    isAnyResting: resting.length > 0,
  }
}

function shareOf(leftMs: number, turns: readonly Turn[]): number {
  const [first] = turns
  return (leftMs * (first?.weight ?? 1)) / turns.reduce((sum, { weight }) => sum + weight, 0)
}
