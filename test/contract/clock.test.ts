import { expect, test } from 'vitest'
import { systemClock } from '../../adapters/node/src/clock.ts'
import { createFakeClock } from '../fakes/clock.ts'
import { describeClock } from './clock.ts'

describeClock('the system', () => ({
  clock: systemClock,
  pass: (milliseconds) => systemClock.sleep(milliseconds),
}))

describeClock('the fake', () => {
  const clock = createFakeClock()
  return { clock, pass: (milliseconds) => clock.advance(milliseconds) }
})

test('the fake stands still until it is advanced', async () => {
  const clock = createFakeClock(1000)
  const sleeping = clock.sleep(5)
  expect(clock.now()).toBe(1000)
  expect(clock.sleepers).toBe(1)
  await clock.advance(4)
  expect(clock.sleepers).toBe(1)
  await clock.advance(1)
  await sleeping
  expect(clock.sleepers).toBe(0)
})

test('the fake serves a loop that sleeps, each time at its own moment', async () => {
  const clock = createFakeClock(0)
  const seen: number[] = []
  const loop = (async () => {
    for (let time = 0; time < 3; time += 1) {
      await clock.sleep(10)
      seen.push(clock.now())
    }
  })()
  await clock.advance(100)
  await loop
  expect(seen).toEqual([10, 20, 30])
  expect(clock.now()).toBe(100)
})
