import { describe, expect, test } from 'vitest'
import { createBandwidth } from '../../../core/src/access/bandwidth.ts'
import { createFakeClock, type FakeClock } from '../../fakes/clock.ts'
import { streamOf } from '../support/stream-of.ts'

const kibibyte = 1024

function bodyOf(...sizes: readonly number[]): ReadableStream<Uint8Array> {
  return streamOf(sizes.map((size) => new Uint8Array(size).fill(size % 251)))
}

/** Reads to the end; `bytes` grows as they come. */
function reading(body: ReadableStream<Uint8Array>) {
  const seen = { bytes: 0, pieces: 0, longest: 0, endedAt: undefined as number | undefined }
  const done = async (clock: FakeClock): Promise<void> => {
    for await (const piece of body) {
      seen.bytes += piece.byteLength
      seen.pieces += 1
      seen.longest = Math.max(seen.longest, piece.byteLength)
    }
    seen.endedAt = clock.now()
  }
  return { seen, done }
}

test.each([
  ['chunks of 64 KiB', Array.from({ length: 64 }, () => 64 * kibibyte)],
  ['one chunk', [4096 * kibibyte]],
  ['crumbs', Array.from({ length: 4096 }, () => kibibyte)],
])('4 MiB at 1 MiB/s take four seconds: %s', async (_, sizes) => {
  const clock = createFakeClock()
  const begin = clock.now()
  const { seen, done } = reading(createBandwidth(1024 * kibibyte, clock)('a', bodyOf(...sizes)))
  const finished = done(clock)
  await clock.advance(2_000)
  expect(seen.bytes).toBeGreaterThan(2000 * kibibyte)
  expect(seen.bytes).toBeLessThan(2400 * kibibyte)
  await clock.advance(2_100)
  await finished
  expect(seen.bytes).toBe(4096 * kibibyte)
  expect(seen.endedAt! - begin).toBeGreaterThan(3_600)
  expect(seen.endedAt! - begin).toBeLessThanOrEqual(4_000)
  // A slow client still gets something several times a second.
  expect(seen.longest).toBeLessThanOrEqual(256 * kibibyte)
})

test('all bodies of one client share its line, and another client has its own', async () => {
  const clock = createFakeClock()
  const shape = createBandwidth(1024 * kibibyte, clock)
  const chunks = Array.from({ length: 64 }, () => 64 * kibibyte)
  const readers = ['a', 'a', 'a', 'a', 'b'].map((key) => reading(shape(key, bodyOf(...chunks))))
  for (const { done } of readers) void done(clock)
  await clock.advance(4_000)
  const [first, ...others] = readers.map(({ seen }) => seen.bytes / kibibyte)
  const alone = others.pop()
  const together = [first!, ...others]
  expect(alone).toBe(4096)
  const sum = together.reduce((one, other) => one + other)
  expect(sum).toBeGreaterThan(4000)
  expect(sum).toBeLessThan(4600)
  // Fairly.
  expect(Math.max(...together) - Math.min(...together)).toBeLessThanOrEqual(64)
})

test('a body that comes more slowly than the line is not held up', async () => {
  const clock = createFakeClock()
  const slow = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await clock.sleep(1000)
      controller.enqueue(new Uint8Array(kibibyte))
    },
  })
  const { seen, done } = reading(createBandwidth(1024 * kibibyte, clock)('a', slow))
  void done(clock)
  await clock.advance(10_000)
  expect(seen.pieces).toBe(10)
})

test('no timer for every crumb', async () => {
  const clock = createFakeClock()
  let sleeps = 0
  const counted = {
    ...clock,
    sleep: (milliseconds: number, signal?: AbortSignal) => {
      sleeps += 1
      return clock.sleep(milliseconds, signal)
    },
  }
  const chunks = Array.from({ length: 1000 }, () => 10 * kibibyte)
  const { done } = reading(createBandwidth(10_000 * kibibyte, counted)('a', bodyOf(...chunks)))
  const finished = done(clock)
  await clock.advance(1_100)
  await finished
  expect(sleeps).toBeLessThanOrEqual(1000 / 20 + 1)
})

describe('a client that goes', () => {
  test('while it waits ends the source at once, and no timer stays', async () => {
    const clock = createFakeClock()
    let cancelled: unknown
    const source = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(kibibyte * 64)),
      cancel: (reason) => void (cancelled = reason),
    })
    const reader = createBandwidth(64 * kibibyte, clock)('a', source).getReader()
    await reader.read()
    const pending = reader.read()
    await clock.advance(10)
    expect(clock.sleepers).toBe(1)
    await reader.cancel('gone')
    expect(cancelled).toBe('gone')
    expect((await pending).done).toBe(true)
    await clock.advance(0)
    expect(clock.sleepers).toBe(0)
  })
})

test('a body that breaks breaks', async () => {
  const broken = new ReadableStream<Uint8Array>({
    pull: () => Promise.reject(new Error('cut')),
  })
  const shaped = createBandwidth(kibibyte, createFakeClock())('a', broken)
  await expect(shaped.getReader().read()).rejects.toThrow('cut')
})

test('a clock that was set back stops nobody', async () => {
  const clock = createFakeClock()
  let back = 0
  const shape = createBandwidth(kibibyte, { ...clock, now: () => clock.now() - back })
  await reading(shape('a', bodyOf(10))).done(clock)
  back = 86_400_000
  const { seen, done } = reading(shape('a', bodyOf(10)))
  await done(clock)
  expect(seen.bytes).toBe(10)
})
