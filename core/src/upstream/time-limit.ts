import { type Clock, FetchError } from '../ports.ts'

/**
 * Runs work that must be done within a time. When it is not, the work's signal aborts and the returned
 * promise rejects with a timeout, whether or not the work listens. After the work is done its signal never
 * fires any more, so that a body can go on for longer than its headers were allowed to take.
 */
export async function withTimeLimit<T>(
  clock: Clock,
  milliseconds: number,
  what: string,
  work: (signal: AbortSignal) => Promise<T>,
  outer?: AbortSignal,
): Promise<T> {
  const limit = new AbortController()
  const done = new AbortController()
  const onOuterAbort = (): void => {
    limit.abort(outer?.reason)
  }
  const expired = new Promise<never>((_, reject) => {
    limit.signal.addEventListener('abort', () => {
      reject(limit.signal.reason as Error)
    })
    void clock.sleep(milliseconds, done.signal).then(() => {
      if (!done.signal.aborted) limit.abort(new FetchError('timeout', `${what} took too long`))
    })
  })
  expired.catch(() => undefined)
  outer?.addEventListener('abort', onOuterAbort)
  if (outer?.aborted) onOuterAbort()
  try {
    return await Promise.race([work(limit.signal), expired])
  } finally {
    outer?.removeEventListener('abort', onOuterAbort)
    done.abort()
  }
}
