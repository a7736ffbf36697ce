import type { Limiter } from '@pullway/core'
import { describe, expect, test } from 'vitest'
import type { FakeClock } from '../fakes/clock.ts'

export interface LimiterUnderTest {
  readonly limiter: Limiter
  readonly clock: FakeClock
}

/** What every Limiter does. Made anew for each test; rates are such that time which really passes does not count. */
export function describeLimiter(name: string, make: () => Promise<LimiterUnderTest>): void {
  const slow = { perSecond: 0.1, burst: 5 }

  describe(`${name} as a Limiter`, () => {
    test('allows the burst at once, and no more', async () => {
      const { limiter } = await make()
      for (let count = 0; count < slow.burst; count += 1) {
        expect(await limiter.take('a', 1, slow)).toEqual({ allowed: true, retryAfterSeconds: 0 })
      }
      const { allowed, retryAfterSeconds } = await limiter.take('a', 1, slow)
      expect(allowed).toBe(false)
      expect(retryAfterSeconds).toBeGreaterThan(8)
      expect(retryAfterSeconds).toBeLessThanOrEqual(10)
    })

    test('gives back at the rate, up to the burst', async () => {
      const { limiter, clock } = await make()
      expect(await count(limiter, 'a', 10)).toBe(5)
      await clock.advance(10_000)
      expect(await count(limiter, 'a', 10)).toBe(1)
      await clock.advance(30_000)
      expect(await count(limiter, 'a', 10)).toBe(3)
      await clock.advance(86_400_000)
      expect(await count(limiter, 'a', 10)).toBe(5)
    })

    test('takes nothing for a refusal, so that asking again does not lengthen the wait', async () => {
      const { limiter, clock } = await make()
      await count(limiter, 'a', 5)
      expect(await count(limiter, 'a', 50)).toBe(0)
      await clock.advance(10_000)
      expect(await count(limiter, 'a', 1)).toBe(1)
    })

    test('tells when the same will be allowed', async () => {
      const { limiter, clock } = await make()
      await count(limiter, 'a', 5)
      const { retryAfterSeconds } = await limiter.take('a', 3, slow)
      expect(retryAfterSeconds).toBeGreaterThan(28)
      await clock.advance(Math.ceil(retryAfterSeconds) * 1000)
      expect((await limiter.take('a', 3, slow)).allowed).toBe(true)
    })

    test('counts a cost of several at once, all or nothing', async () => {
      const { limiter } = await make()
      expect((await limiter.take('a', 4, slow)).allowed).toBe(true)
      expect((await limiter.take('a', 2, slow)).allowed).toBe(false)
      expect((await limiter.take('a', 1, slow)).allowed).toBe(true)
      expect((await limiter.take('b', 6, slow)).allowed).toBe(false)
    })

    test('keeps keys apart, whatever they are made of', async () => {
      const { limiter } = await make()
      const keys = [
        'a',
        'A',
        '',
        ' ',
        'a\nb',
        'a b',
        '__proto__',
        'user/é',
        '{a}',
        'x'.repeat(2000),
      ]
      for (const key of keys) expect(await count(limiter, key, 6)).toBe(5)
    })

    test('counts requests that come at the same time one by one', async () => {
      const { limiter } = await make()
      const taken = await Promise.all(Array.from({ length: 20 }, () => limiter.take('a', 1, slow)))
      expect(taken.filter(({ allowed }) => allowed).length).toBe(5)
    })

    test('follows a limit that was changed', async () => {
      const { limiter } = await make()
      await count(limiter, 'a', 5)
      expect((await limiter.take('a', 1, { perSecond: 0.1, burst: 20 })).allowed).toBe(true)
      expect((await limiter.take('a', 1, { perSecond: 0.1, burst: 1 })).allowed).toBe(false)
    })
  })

  async function count(limiter: Limiter, key: string, tries: number): Promise<number> {
    let allowed = 0
    for (let index = 0; index < tries; index += 1) {
      if ((await limiter.take(key, 1, slow)).allowed) allowed += 1
    }
    return allowed
  }
}
