import type { Clock } from '@pullway/core'

export interface FakeClock extends Clock {
  /**
   * Moves time on. Sleeps end in the order in which they are due, each at its own moment, and what waits for
   * one runs before the next ends: a loop that sleeps again is served too.
   */
  advance(milliseconds: number): Promise<void>
  /** How many sleeps wait for time to move. */
  readonly sleepers: number
}

interface Sleeper {
  readonly due: number
  readonly wake: () => void
}

export function createFakeClock(start: number = Date.UTC(2026, 10, 21)): FakeClock {
  let now = start
  const sleepers = new Set<Sleeper>()

  function nextDue(limit: number): Sleeper | undefined {
    let next: Sleeper | undefined
    for (const sleeper of sleepers) {
      if (sleeper.due <= limit && (next === undefined || sleeper.due < next.due)) next = sleeper
    }
    return next
  }

  return {
    now: () => now,

    sleep(milliseconds, signal) {
      if (signal?.aborted) return Promise.resolve()
      return new Promise((resolve) => {
        const wake = (): void => {
          sleepers.delete(sleeper)
          signal?.removeEventListener('abort', wake)
          resolve()
        }
        const sleeper: Sleeper = { due: now + Math.max(0, milliseconds), wake }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', wake)
      })
    },

    async advance(milliseconds) {
      const end = now + milliseconds
      await settle()
      for (let next = nextDue(end); next !== undefined; next = nextDue(end)) {
        now = next.due
        next.wake()
        await settle()
      }
      now = end
    },

    get sleepers() {
      return sleepers.size
    },
  }
}

/** Lets all promise reactions run that are ready, and those that they make ready. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
