import { expect, test } from 'vitest'
import { createBreaker } from '../../../core/src/upstream/breaker.ts'
import { UpstreamTrouble } from '../../../core/src/upstream/trouble.ts'
import { createFakeClock, type FakeClock } from '../../fakes/clock.ts'
import { turns } from '../support/turns.ts'

const trouble = new UpstreamTrouble('x', 'server-error', 'it answered 500')
const ours = new UpstreamTrouble('x', 'unreachable', 'no files', { isOurs: true })
const limited = new UpstreamTrouble('x', 'rate-limited', 'it answered 429')

function settle(clock: FakeClock = createFakeClock()) {
  const said: string[] = []
  const breaker = createBreaker({
    clock,
    counts: ({ reason }) => reason !== 'rate-limited',
    onOpen: ({ trouble: { message } }) => void said.push(message),
    onClose: () => void said.push('well'),
  })
  const fail = (error: Error = trouble) =>
    breaker.run(() => Promise.reject(error)).catch((thrown: unknown) => thrown)
  return { clock, breaker, said, fail }
}

test('opens by what counts, and by nothing else', async () => {
  const { breaker, fail, said } = settle()
  expect(await fail(limited)).toBe(limited)
  expect(await fail(new Error('of our own'))).toBeInstanceOf(Error)
  expect(await fail(ours)).toBe(ours)
  expect([breaker.isReady(), breaker.isOpen()]).toEqual([true, false])
  expect(await fail()).toBe(trouble)
  expect([breaker.isReady(), breaker.isOpen()]).toEqual([false, true])
  expect(breaker.rest()).toMatchObject({ trouble, isStated: false })
  expect(said).toEqual(['it answered 500'])
})

test('goes by the clock of the ports', async () => {
  const { clock, breaker, fail } = settle()
  await fail()
  await clock.advance(6_250)
  expect(breaker.isReady()).toBe(true)
  expect(breaker.rest()).toBeUndefined()
  expect(await breaker.run(async () => 'back')).toBe('back')
  expect(breaker.isOpen()).toBe(false)
})

test('a clock that is set back ends the rest', async () => {
  let now = Date.UTC(2026, 10, 21)
  const { breaker, fail } = settle({ ...createFakeClock(), now: () => now })
  await fail()
  expect(breaker.isReady()).toBe(false)
  now -= 3_600_000
  expect(breaker.isReady()).toBe(true)
  expect(await breaker.run(async () => 'back')).toBe('back')
})

test('while one tries, others are not ready, and may all the same be run', async () => {
  const { clock, breaker, fail, said } = settle()
  await fail()
  await clock.advance(6_250)
  let release: (text: string) => void = () => undefined
  const probe = breaker.run(() => new Promise<string>((resolve) => (release = resolve)))
  expect(breaker.isReady()).toBe(false)
  expect(await breaker.run(async () => 'beside it')).toBe('beside it')
  expect(breaker.isOpen()).toBe(true)
  release('back')
  expect(await probe).toBe('back')
  expect(breaker.isReady()).toBe(true)
  expect(said).toEqual(['it answered 500', 'well'])
})

test.each([
  ['that says no', new Error('404')],
  ['that is limited', limited],
])('an answer %s is an answer', async (_, error) => {
  const { clock, breaker, fail } = settle()
  await fail()
  await clock.advance(6_250)
  await fail(error)
  expect(breaker.isOpen()).toBe(false)
})

test('is blamed for what came to light later', async () => {
  const { breaker } = settle()
  await breaker.run(async () => 'headers')
  breaker.blame(trouble)
  await turns(3)
  expect(breaker.isReady()).toBe(false)
  // Once more, while it rests: nothing is thrown at anybody.
  breaker.blame(trouble)
  await turns(3)
  expect(breaker.isReady()).toBe(false)
})

test('asked before its time, it is back when it answers', async () => {
  const { breaker, fail, said } = settle()
  await fail()
  expect(await breaker.run(async () => 'back')).toBe('back')
  expect(breaker.isReady()).toBe(true)
  await fail()
  await fail()
  expect(said).toEqual(['it answered 500', 'well', 'it answered 500'])
})

test('a trial that fails for want of something here decides nothing', async () => {
  const { clock, breaker, fail, said } = settle()
  await fail()
  await clock.advance(6_250)
  expect(await fail(ours)).toBe(ours)
  expect([breaker.isReady(), breaker.isOpen()]).toEqual([true, true])
  await fail()
  await clock.advance(7_499)
  // It has failed twice in a row: twice the first rest, give or take a quarter.
  expect(breaker.isReady()).toBe(false)
  await clock.advance(5_001)
  await breaker.run(async () => 'back')
  expect(said).toEqual(['it answered 500', 'well'])
})

test('asked before its time, and that fails for want of something here: it rests on', async () => {
  const { clock, breaker, fail } = settle()
  await fail()
  const rest = breaker.rest()
  expect(await fail(ours)).toBe(ours)
  expect(breaker.rest()).toEqual(rest)
  await clock.advance(6_250)
  expect(breaker.isReady()).toBe(true)
})
