import { createFakeClock, type FakeClock } from '../fakes/clock.ts'
import type { RedisServer } from './redis.ts'

const moveExpiries = `
for _, key in ipairs(redis.call('KEYS', '*')) do
  local at = redis.call('PEXPIRETIME', key)
  if at > 0 then redis.call('PEXPIREAT', key, string.format('%.0f', at - ARGV[1])) end
end`

/**
 * Time for what lives in Redis: its clock cannot be set, so all entries are moved towards their end. Whole
 * seconds only: the rest of the last one is left to the time that really passes.
 */
export function createRedisClock(redis: RedisServer): FakeClock {
  const clock = createFakeClock()
  let passedMs = 0

  return {
    ...clock,
    async advance(milliseconds) {
      const before = Math.floor(passedMs / 1000)
      passedMs += milliseconds
      const seconds = Math.floor(passedMs / 1000) - before
      await redis.command('EVAL', moveExpiries, '0', String(seconds * 1000))
      await clock.advance(milliseconds)
    },
  }
}
