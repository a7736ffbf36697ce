import { setTimeout as delay } from 'node:timers/promises'

/** Stops bodies on their way, so that a test acts in mid-download without racing it. */
export interface Gate {
  /** From now on a body waits once it has carried that many bytes. */
  hold(bytes: number): void
  /** Resolves when that many bodies wait. */
  held(count: number): Promise<void>
  release(): void
  /** Called by the body's pump after each chunk. */
  pass(carried: number): Promise<void>
}

export function createGate(): Gate {
  let limit = Infinity
  let waiting: (() => void)[] = []
  let watchers: { readonly count: number; readonly resolve: () => void }[] = []

  return {
    hold: (bytes) => {
      limit = bytes
    },
    held: async (count) => {
      if (waiting.length >= count) return
      const arrived = new Promise<void>((resolve) => watchers.push({ count, resolve }))
      const tooLong = delay(30_000, undefined, { ref: false }).then(() => {
        throw new Error(`${waiting.length} of ${count} downloads reached ${limit} bytes`)
      })
      await Promise.race([arrived, tooLong])
    },
    release: () => {
      limit = Infinity
      for (const resume of waiting) resume()
      waiting = []
      watchers = []
    },
    pass: (carried) => {
      if (carried < limit) return Promise.resolve()
      return new Promise((resume) => {
        waiting.push(resume)
        for (const { count, resolve } of watchers) if (waiting.length >= count) resolve()
      })
    },
  }
}
