import { createMemoryLimiter } from '@pullway/memory'
import { expect, test } from 'vitest'
import { createRequestLimit } from '../../../core/src/access/request-limit.ts'
import type { RegistryError } from '../../../core/src/errors.ts'
import type { Limiter, Logger } from '../../../core/src/ports.ts'
import { createFakeClock } from '../../fakes/clock.ts'
import { rejectionOf } from '../support/caught.ts'

const silent: Logger = {
  info: () => undefined,
  warn: () => expect.fail('nothing is wrong'),
  error: () => expect.fail('nothing is wrong'),
  access: () => undefined,
}

function create(perSecond: number, burst: number) {
  const clock = createFakeClock()
  const take = createRequestLimit({ perSecond, burst }, createMemoryLimiter({ clock }), silent)
  return { clock, take }
}

test.each([
  [10, 1, '1'],
  [0.5, 1, '2'],
  [1 / 7.5, 1, '8'],
  [1 / 3600, 1, '60'],
])('%d a second, %d at once: refused with Retry-After %s', async (perSecond, burst, expected) => {
  const { take } = create(perSecond, burst)
  await take('a')
  const error = (await rejectionOf(take('a'))) as RegistryError
  expect(error).toMatchObject({
    code: 'TOOMANYREQUESTS',
    status: 429,
    rejection: 'requests',
    headers: { 'retry-after': expected },
  })
  expect(error.message).toContain(`wait ${expected} s`)
  await take('b')
})

test("containerd's repeats without a pause do not lengthen its wait", async () => {
  const { take, clock } = create(1, 2)
  await take('a')
  await take('a')
  for (let repeat = 0; repeat < 6; repeat += 1) {
    expect(await rejectionOf(take('a'))).toMatchObject({ headers: { 'retry-after': '1' } })
  }
  await clock.advance(1000)
  await take('a')
})

test('without a limit nobody is counted, and no limiter is needed', async () => {
  const limiter: Limiter = { take: () => expect.fail('nothing is to be counted') }
  for (const given of [limiter, undefined]) {
    await createRequestLimit(undefined, given, silent)('a')
  }
})

test('a limit that cannot be held is said at the start', () => {
  const limit = { perSecond: 1, burst: 1 }
  expect(() => createRequestLimit(limit, undefined, silent)).toThrow(/cannot count requests/)
})

test('a limiter that is down lets everybody in, and is logged once for each time that it goes', async () => {
  const warnings: string[] = []
  let isDown = true
  const limiter: Limiter = {
    take: async () => {
      if (isDown) throw new Error('Redis: no connection')
      return { allowed: true, retryAfterSeconds: 0 }
    },
  }
  const logger = { ...silent, warn: (message: string) => void warnings.push(message) }
  const take = createRequestLimit({ perSecond: 1, burst: 1 }, limiter, logger)
  for (let index = 0; index < 5; index += 1) await take('a')
  expect(warnings).toEqual(['requests cannot be limited now'])
  isDown = false
  await take('a')
  isDown = true
  for (let index = 0; index < 5; index += 1) await take('a')
  expect(warnings.length).toBe(2)
})
