import { describe, expect, test } from 'vitest'
import { discard, readBytes, readText } from '../../../core/src/upstream/body.ts'
import { watchIdle } from '../../../core/src/upstream/idle.ts'
import { createFakeClock } from '../../fakes/clock.ts'
import { inPieces, makeBytes } from '../../contract/content.ts'
import { rejectionOf } from '../support/caught.ts'
import { bodyOf, createControlledBody } from '../support/controlled-body.ts'

const bytes = makeBytes(1_000)

describe('reading with a limit', () => {
  test.each([
    ['in one piece', () => new Response(bytes)],
    ['in many', () => new Response(bodyOf(...inPieces(bytes, 7)))],
  ])('%s', async (_, response) => {
    expect(await readBytes(response(), 1_000)).toEqual(bytes)
  })

  test('no body is no bytes', async () => {
    expect(await readBytes(new Response(null), 10)).toHaveLength(0)
  })

  test('what announces too much is not read at all', async () => {
    const body = createControlledBody()
    const response = new Response(body.stream, { headers: { 'content-length': '1001' } })
    expect(await readBytes(response, 1_000)).toBeUndefined()
    expect(body.isCancelled).toBe(true)
  })

  test('what turns out to be too much is given up there', async () => {
    const body = createControlledBody()
    body.push(bytes, makeBytes(1), makeBytes(1))
    expect(await readBytes(new Response(body.stream), 1_000)).toBeUndefined()
    expect(body.isCancelled).toBe(true)
  })

  test('a cut is an error, not a short text', async () => {
    const body = createControlledBody()
    body.push(bytes)
    const reading = readBytes(new Response(body.stream), 2_000)
    body.cut()
    expect(await rejectionOf(reading)).toMatchObject({
      name: 'FetchError',
      message: 'its answer broke off',
      cause: { message: 'the connection was reset' },
    })
  })

  test('a signal ends it', async () => {
    const body = createControlledBody()
    const limit = new AbortController()
    body.push(bytes)
    const reading = rejectionOf(readBytes(new Response(body.stream), 2_000, limit.signal))
    const reason = new Error('too late')
    limit.abort(reason)
    expect(await reading).toBe(reason)
    expect(body.isCancelled).toBe(true)
  })
})

test('a text for a message is short, or empty', async () => {
  expect(await readText(new Response('größer'), 100)).toBe('größer')
  expect(await readText(new Response('longer'), 5)).toBe('')
  const body = createControlledBody()
  body.cut()
  expect(await readText(new Response(body.stream), 5)).toBe('')
})

test('what is discarded is cancelled, whatever becomes of it', async () => {
  const body = createControlledBody()
  await discard(new Response(body.stream))
  expect(body.isCancelled).toBe(true)
  await discard(new Response(null))
  const broken = createControlledBody()
  broken.cut()
  await discard(new Response(broken.stream))
})

describe('watching for idleness', () => {
  test('nothing for long enough is idle, once', async () => {
    const clock = createFakeClock()
    const idle: number[] = []
    const start = clock.now()
    watchIdle(
      clock,
      1_000,
      () => 0,
      () => void idle.push(clock.now() - start),
    )
    await clock.advance(999)
    expect(idle).toEqual([])
    await clock.advance(5_000)
    expect(idle).toEqual([1_000])
    expect(clock.sleepers).toBe(0)
  })

  test('any progress begins anew', async () => {
    const clock = createFakeClock()
    let [position, idle] = [0, 0]
    watchIdle(
      clock,
      1_000,
      () => position,
      () => {
        idle += 1
      },
    )
    for (let count = 0; count < 10; count += 1) {
      await clock.advance(900)
      position += 1
    }
    expect(idle).toBe(0)
    await clock.advance(1_600)
    expect(idle).toBe(1)
  })

  test('it ends when reading is over', async () => {
    const clock = createFakeClock()
    let idle = 0
    const unwatch = watchIdle(
      clock,
      1_000,
      () => 0,
      () => {
        idle += 1
      },
    )
    await clock.advance(600)
    unwatch()
    await clock.advance(10_000)
    expect([idle, clock.sleepers]).toEqual([0, 0])
  })
})
