import type { LimitsConfig } from '../config/config.ts'
import { RegistryError } from '../errors.ts'
import type { Limiter, Logger } from '../ports.ts'

/** Takes one request of a client's, or throws TOOMANYREQUESTS. */
export type TakeRequest = (key: string) => Promise<void>

/** Longer waits are not announced: podman and skopeo sleep through it four times (clients.md, section 8). */
const maxRetryAfterSeconds = 60

export function createRequestLimit(
  limit: LimitsConfig['requests'],
  limiter: Limiter | undefined,
  logger: Logger,
): TakeRequest {
  if (!limit) return () => Promise.resolve()
  if (!limiter) throw new Error('limits.requests is set, but this runtime cannot count requests')
  let isDown = false

  return async (key) => {
    const taken = await limiter.take(`limit/requests/${key}`, 1, limit).then(
      (result) => {
        isDown = false
        return result
      },
      (error: unknown) => {
        // Without the limiter the mirror goes on: one that refuses everybody would be the greater harm.
        if (!isDown) logger.warn('requests cannot be limited now', { error: String(error) })
        isDown = true
        return undefined
      },
    )
    if (taken && !taken.allowed) throw tooMany(taken.retryAfterSeconds)
  }
}

function tooMany(retryAfterSeconds: number): RegistryError {
  const seconds = Math.min(Math.max(Math.ceil(retryAfterSeconds), 1), maxRetryAfterSeconds)
  return new RegistryError(
    'TOOMANYREQUESTS',
    `you send this mirror more requests than it takes from one client: wait ${seconds} s`,
    { headers: { 'retry-after': String(seconds) }, rejection: 'requests' },
  )
}
