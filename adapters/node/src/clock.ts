import type { Clock } from '@pullway/core'

/** The greatest delay of setTimeout: a longer one would fire at once. */
const longestTimer = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),

  async sleep(milliseconds, signal) {
    let remaining = milliseconds
    for (; remaining > longestTimer && !signal?.aborted; remaining -= longestTimer) {
      await timer(longestTimer, signal)
    }
    await timer(remaining, signal)
  },
}

function timer(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timeout)
      signal?.removeEventListener('abort', finish)
      resolve()
    }
    const timeout = setTimeout(finish, Math.max(0, milliseconds))
    signal?.addEventListener('abort', finish)
  })
}
