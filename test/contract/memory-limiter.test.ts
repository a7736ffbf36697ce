import { createMemoryLimiter } from '@pullway/memory'
import { expect, test } from 'vitest'
import { createFakeClock } from '../fakes/clock.ts'
import { describeLimiter } from './limiter.ts'

describeLimiter('memory', async () => {
  const clock = createFakeClock()
  return { limiter: createMemoryLimiter({ clock }), clock }
})

const limit = { perSecond: 1, burst: 1 }

test('the memory of clients is bounded: the one not seen for longest begins anew', async () => {
  const limiter = createMemoryLimiter({ clock: createFakeClock(), maxKeys: 2 })
  for (const key of ['a', 'b', 'c']) expect((await limiter.take(key, 1, limit)).allowed).toBe(true)
  expect((await limiter.take('c', 1, limit)).allowed).toBe(false)
  expect((await limiter.take('a', 1, limit)).allowed).toBe(true)
})

test('rates that divide no millisecond are kept in the long run', async () => {
  const clock = createFakeClock()
  const limiter = createMemoryLimiter({ clock })
  let allowed = 0
  for (let millisecond = 0; millisecond < 1000; millisecond += 1) {
    for (let index = 0; index < 10; index += 1) {
      if ((await limiter.take('a', 1, { perSecond: 7000, burst: 10 })).allowed) allowed += 1
    }
    await clock.advance(1)
  }
  expect(allowed).toBeGreaterThanOrEqual(6_990)
  expect(allowed).toBeLessThanOrEqual(7_010)
})

test('a clock that was set back locks nobody out for longer than an empty bucket', async () => {
  const clock = createFakeClock()
  let back = 0
  const limiter = createMemoryLimiter({ clock: { ...clock, now: () => clock.now() - back } })
  await limiter.take('a', 1, limit)
  back = 86_400_000
  const { retryAfterSeconds } = await limiter.take('a', 1, limit)
  expect(retryAfterSeconds).toBeLessThanOrEqual(1)
  await clock.advance(1000)
  expect((await limiter.take('a', 1, limit)).allowed).toBe(true)
})
