import type { Clock } from '@pullway/core'

/** No function lives as long as the longest timer. */
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
      const timeout = setTimeout(finish, Math.max(0, milliseconds))
      signal?.addEventListener('abort', finish)
    })
  },
}
