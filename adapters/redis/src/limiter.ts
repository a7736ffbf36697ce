import type { Limiter } from '@pullway/core'
import type { Send } from './commands.ts'

/**
 * A token bucket in the life time of one key: what is left of it is what the bucket lacks, in the server's own
 * time, so that the clocks of the mirrors do not matter. The value is the fraction of the last millisecond.
 * ARGV: what one costs and what the whole bucket is worth, in milliseconds. Gives 0, or the wait.
 */
const script = `
local left = redis.call('PTTL', KEYS[1])
if left < 0 then left = 0 end
if left > 0 then left = left - 1 + tonumber(redis.call('GET', KEYS[1]) or 1) end
local whole = tonumber(ARGV[2])
local lacks = math.min(left, whole) + tonumber(ARGV[1])
if lacks > whole + 0.001 then return tostring(lacks - whole) end
local life = math.floor(lacks) + 1
redis.call('SET', KEYS[1], tostring(lacks - life + 1), 'PX', string.format('%.0f', life))
return '0'`

export function createCommandLimiter(send: Send, prefix: string): Limiter {
  return {
    async take(key, cost, { perSecond, burst }) {
      const costMs = (cost / perSecond) * 1000
      const wholeMs = (burst / perSecond) * 1000
      const numbers = [costMs, wholeMs].map((number) => String(number))
      const reply = await send(['EVAL', script, '1', prefix + key, ...numbers])
      const waitMs = Number(reply)
      // Not with the reply: it may be anything.
      if (!(waitMs >= 0)) throw new Error('Redis: a reply that is no time to wait')
      return { allowed: waitMs === 0, retryAfterSeconds: waitMs / 1000 }
    },
  }
}
