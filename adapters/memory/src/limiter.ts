/* eslint-disable @typescript-eslint/require-await -- an asynchronous port, implemented without waiting */
import type { Clock, Limiter } from '@pullway/core'
import { createRecent } from './recent.ts'

export interface MemoryLimiterOptions {
  readonly clock: Clock
  /** The least recently seen client begins anew first. */
  readonly maxKeys?: number
}

/**
 * A token bucket as one number a client, the time at which its bucket is full again: the generic cell rate
 * algorithm (ITU-T I.371).
 */
export function createMemoryLimiter({ clock, maxKeys = 50_000 }: MemoryLimiterOptions): Limiter {
  const fullAt = createRecent<string, number>({ maxSize: maxKeys, sizeOf: () => 1 })

  return {
    async take(key, cost, { perSecond, burst }) {
      const now = clock.now()
      const wholeMs = (burst / perSecond) * 1000
      // A clock that was set back must not lock a client out for longer than an empty bucket does.
      const full = Math.min(Math.max(fullAt.get(key) ?? now, now), now + wholeMs)
      const then = full + (cost / perSecond) * 1000
      const missingMs = then - now - wholeMs
      const allowed = missingMs <= tolerance
      fullAt.set(key, allowed ? then : full)
      if (!allowed) return { allowed, retryAfterSeconds: missingMs / 1000 }
      return { allowed, retryAfterSeconds: 0 }
    },
  }
}

/** Sums of fractions of a millisecond. */
const tolerance = 1e-3
