import { expect, test } from 'vitest'
import { createStreamLimit } from '../../../core/src/access/stream-limit.ts'
import { createFakeClock } from '../../fakes/clock.ts'
import { rejectionOf } from '../support/caught.ts'

test('so many at once for each client; one that ends makes room', async () => {
  const clock = createFakeClock()
  const open = createStreamLimit(2, clock)
  const releases = [await open('a'), await open('a')]
  await open('b')
  const refused = rejectionOf(open('a'))
  await clock.advance(5_000)
  expect(await refused).toMatchObject({
    code: 'TOOMANYREQUESTS',
    rejection: 'connections',
    headers: { 'retry-after': '1' },
  })
  releases[0]!()
  await open('a')
})

test('who comes too soon waits for a place for a while', async () => {
  const clock = createFakeClock()
  const open = createStreamLimit(1, clock)
  const release = await open('a')
  let isOpen = false
  const waiting = open('a').then(() => void (isOpen = true))
  await clock.advance(2_000)
  expect(isOpen).toBe(false)
  release()
  await clock.advance(100)
  expect(isOpen).toBe(true)
  await waiting
})

test('a place is given back once, however often it is said', async () => {
  const clock = createFakeClock()
  const open = createStreamLimit(2, clock)
  const release = await open('a')
  await open('a')
  release()
  release()
  release()
  await open('a')
  const refused = rejectionOf(open('a'))
  await clock.advance(5_000)
  expect(await refused).toMatchObject({ code: 'TOOMANYREQUESTS' })
})

test('a place that a runtime forgot comes back after an hour', async () => {
  const clock = createFakeClock()
  const open = createStreamLimit(1, clock)
  await open('a')
  await clock.advance(3_590_000)
  const refused = rejectionOf(open('a'))
  await clock.advance(5_000)
  expect(await refused).toMatchObject({ code: 'TOOMANYREQUESTS' })
  await clock.advance(6_000)
  await open('a')
})

test('without a limit nobody waits', async () => {
  const open = createStreamLimit(undefined, createFakeClock())
  for (let index = 0; index < 1000; index += 1) (await open('a'))()
})
