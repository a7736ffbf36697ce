import { expect, test } from 'vitest'
import { withTimeLimit } from '../../../core/src/upstream/time-limit.ts'
import { createFakeClock } from '../../fakes/clock.ts'
import { rejectionOf } from '../support/caught.ts'
import { isPending } from '../support/turns.ts'

const never = new Promise<never>(() => undefined)

test('work that is done in time gives its result, and its signal never fires', async () => {
  const clock = createFakeClock()
  let signal: AbortSignal | undefined
  const result = await withTimeLimit(clock, 1_000, 'it', async (given) => {
    signal = given
    return 'done'
  })
  expect(result).toBe('done')
  await clock.advance(5_000)
  expect(signal?.aborted).toBe(false)
  expect(clock.sleepers).toBe(0)
})

test('work that is late is given up, whether or not it listens', async () => {
  const clock = createFakeClock()
  let signal: AbortSignal | undefined
  const work = withTimeLimit(clock, 1_000, 'its answer', (given) => {
    signal = given
    return never
  })
  const error = rejectionOf(work)
  await clock.advance(999)
  expect(await isPending(work)).toBe(true)
  await clock.advance(1)
  expect(await error).toMatchObject({ failure: 'timeout', message: 'its answer took too long' })
  expect(signal?.aborted).toBe(true)
})

test('the error of the work comes through', async () => {
  const clock = createFakeClock()
  const failure = new Error('its own')
  const work = withTimeLimit(clock, 1_000, 'it', () => Promise.reject(failure))
  expect(await rejectionOf(work)).toBe(failure)
  expect(clock.sleepers).toBe(0)
})

test.each([0, -5])('no time left (%i ms) gives up at once', async (milliseconds) => {
  const clock = createFakeClock()
  const error = rejectionOf(withTimeLimit(clock, milliseconds, 'it', () => never))
  await clock.advance(0)
  expect(await error).toMatchObject({ failure: 'timeout' })
})

test('an outer signal ends the work with its own reason', async () => {
  const clock = createFakeClock()
  const outer = new AbortController()
  const reason = new Error('the whole took too long')
  let signal: AbortSignal | undefined
  const error = rejectionOf(
    withTimeLimit(
      clock,
      1_000,
      'it',
      (given) => {
        signal = given
        return never
      },
      outer.signal,
    ),
  )
  outer.abort(reason)
  expect(await error).toBe(reason)
  expect(signal?.reason).toBe(reason)
  expect(clock.sleepers).toBe(0)
})

test('an outer signal that has fired already ends it at once', async () => {
  const reason = new Error('too late')
  const outer = AbortSignal.abort(reason)
  const work = withTimeLimit(createFakeClock(), 1_000, 'it', () => never, outer)
  const error = rejectionOf(work)
  expect(await isPending(work)).toBe(false)
  expect(await error).toBe(reason)
})

test('an outer signal that fires after the work is done does not reach it', async () => {
  const outer = new AbortController()
  let signal: AbortSignal | undefined
  await withTimeLimit(
    createFakeClock(),
    1_000,
    'it',
    async (given) => {
      signal = given
    },
    outer.signal,
  )
  outer.abort(new Error('too late'))
  expect(signal?.aborted).toBe(false)
})
