import type { Clock } from '@pullway/core'

/** The greatest delay of setTimeout, 24 days: no request lives as long. */
const longestTimer = 2 ** 31 - 1

/** In a Worker, time stands still between two operations that leave it. */
export const systemClock: Clock = {
  now: () => Date.now(),

  sleep(milliseconds, signal) {
    if (signal?.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timeout)
        signal?.removeEventListener('abort', finish)
        resolve()
      }
      const timeout = setTimeout(finish, Math.min(Math.max(0, milliseconds), longestTimer))
      signal?.addEventListener('abort', finish)
    })
  },
}
