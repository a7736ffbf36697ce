import type { Limiter } from '@pullway/core'
import type { RateLimiter } from './bindings.ts'

/** The shorter of Cloudflare's two periods; a client that comes sooner is told the same again. */
const retryAfterSeconds = 10

/** The rate limit that is bound: how much it allows is in wrangler.jsonc, and counted in each data centre. */
export function createBindingLimiter(binding: RateLimiter): Limiter {
  return {
    async take(key) {
      const { success } = await binding.limit({ key })
      return { allowed: success, retryAfterSeconds: success ? 0 : retryAfterSeconds }
    },
  }
}
