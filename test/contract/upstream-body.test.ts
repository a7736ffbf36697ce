import { describe, expect, test, vi } from 'vitest'
import { createUpstreamBody, type UpstreamBody } from '../../adapters/node/src/upstream-body.ts'
import { makeBytes } from './content.ts'

function make(announced = NaN) {
  const upstream = { pause: vi.fn(), resume: vi.fn(), abort: vi.fn<(reason: Error) => void>() }
  return { upstream, body: createUpstreamBody(upstream, announced) }
}

/** A stream asks for more some promises later. */
function heard(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Pushes until upstream is told to pause; gives the number of chunks. */
function pushUntilPaused(
  body: UpstreamBody,
  upstream: ReturnType<typeof make>['upstream'],
  chunkBytes: number,
): number {
  for (let count = 1; count < 100_000; count += 1) {
    body.push(makeBytes(chunkBytes))
    if (upstream.pause.mock.calls.length > 0) return count
  }
  throw new Error('Upstream was never paused')
}

describe('upstream is paused', () => {
  test.each([
    { chunkBytes: 65_536, chunks: 4 },
    { chunkBytes: 1_000_000, chunks: 1 },
    // Each chunk takes memory of its own, however small.
    { chunkBytes: 1, chunks: 2_033 },
  ])('after $chunks chunks of $chunkBytes bytes', ({ chunkBytes, chunks }) => {
    const { body, upstream } = make()
    expect(pushUntilPaused(body, upstream, chunkBytes)).toBe(chunks)
  })

  test('and goes on once, when there is room again', async () => {
    const { body, upstream } = make()
    pushUntilPaused(body, upstream, 65_536)
    expect(upstream.resume).not.toHaveBeenCalled()
    const reader = body.stream.getReader()
    for (let count = 0; count < 4; count += 1) await reader.read()
    expect(upstream.resume).toHaveBeenCalledTimes(1)
    body.push(makeBytes(1_000_000))
    expect(upstream.pause).toHaveBeenCalledTimes(2)
  })
})

test('an empty chunk is none: a reader waits on for the next', async () => {
  const { body, upstream } = make()
  const reading = body.stream.getReader().read()
  body.push(makeBytes(0))
  body.push(makeBytes(3))
  expect((await reading).value).toEqual(makeBytes(3))
  expect(upstream.pause).not.toHaveBeenCalled()
})

test('what had come before the end is given to whoever reads it later', async () => {
  const { body } = make()
  for (const bytes of [3, 4]) body.push(makeBytes(bytes))
  body.end()
  const sizes: number[] = []
  for await (const chunk of body.stream) sizes.push(chunk.byteLength)
  expect(sizes).toEqual([3, 4])
})

describe('where much of other bodies is unread', () => {
  const much = 8 * 1024 * 1024
  function makeAmong(bytes = much) {
    const unread = { bytes }
    const upstream = { pause: vi.fn(), resume: vi.fn(), abort: vi.fn<(reason: Error) => void>() }
    return { unread, upstream, body: createUpstreamBody(upstream, NaN, unread) }
  }

  test('upstream is paused at once, and sends only what somebody waits for', async () => {
    const { body, upstream, unread } = makeAmong()
    expect(upstream.pause).toHaveBeenCalledTimes(1)
    const reader = body.stream.getReader()
    for (let count = 1; count < 20; count += 1) {
      const reading = reader.read()
      await heard()
      expect(upstream.resume).toHaveBeenCalledTimes(count)
      body.push(makeBytes(65_536))
      expect(upstream.pause).toHaveBeenCalledTimes(count + 1)
      expect((await reading).value?.byteLength).toBe(65_536)
      expect(unread.bytes).toBe(much)
    }
  })

  test('it is read ahead again as soon as the others are read', async () => {
    const { body, upstream, unread } = makeAmong()
    const reader = body.stream.getReader()
    const reading = reader.read()
    await heard()
    body.push(makeBytes(10))
    await reading
    unread.bytes = 0
    void reader.read()
    await heard()
    expect(upstream.resume).toHaveBeenCalledTimes(2)
    body.push(makeBytes(10))
    body.push(makeBytes(10))
    expect(upstream.pause).toHaveBeenCalledTimes(2)
  })

  test.each<[string, (body: UpstreamBody) => unknown]>([
    ['ends and is read', (body) => (body.end(), new Response(body.stream).arrayBuffer())],
    ['breaks', (body) => body.fail(new Error('cut'))],
    ['is not wanted any more, and ends', (body) => body.stream.cancel().then(() => body.end())],
    ['breaks twice', (body) => [1, 2].forEach(() => body.fail(new Error('cut')))],
    ['ends, and is not wanted', (body) => (body.end(), body.stream.cancel())],
  ])('one that %s leaves its share to the others', async (_, act) => {
    const { unread, body } = makeAmong(10)
    for (const bytes of [1_000, 2_000]) body.push(makeBytes(bytes))
    expect(unread.bytes).toBeGreaterThan(3_000)
    await act(body)
    expect(unread.bytes).toBe(10)
  })
})

describe('a body that nobody wants', () => {
  test('is read to its end where that is near', async () => {
    vi.useFakeTimers()
    try {
      const { body, upstream } = make(100_000)
      body.push(makeBytes(90_000))
      await body.stream.cancel()
      body.push(makeBytes(10_000))
      body.end()
      vi.runAllTimers()
      expect(upstream.abort).not.toHaveBeenCalled()
    } finally {
      vi.useRealTimers()
    }
  })

  test('is read on where upstream waits for that', async () => {
    const { body, upstream } = make()
    pushUntilPaused(body, upstream, 65_536)
    await body.stream.cancel()
    expect(upstream.resume).toHaveBeenCalledTimes(1)
    body.end()
    expect(upstream.abort).not.toHaveBeenCalled()
  })

  test('is broken off at once where much is left', async () => {
    const { body, upstream } = make(100_000)
    await body.stream.cancel()
    expect(upstream.abort).toHaveBeenCalledTimes(1)
  })

  test('is broken off where more comes than was thought', async () => {
    const { body, upstream } = make()
    await body.stream.cancel()
    body.push(makeBytes(65_536))
    expect(upstream.abort).not.toHaveBeenCalled()
    body.push(makeBytes(1))
    expect(upstream.abort).toHaveBeenCalledTimes(1)
  })

  test('is broken off where its end does not come', async () => {
    vi.useFakeTimers()
    try {
      const { body, upstream } = make(10)
      await body.stream.cancel()
      vi.advanceTimersByTime(999)
      expect(upstream.abort).not.toHaveBeenCalled()
      vi.advanceTimersByTime(1)
      expect(upstream.abort).toHaveBeenCalledTimes(1)
    } finally {
      vi.useRealTimers()
    }
  })
})

test.each(['end', 'cancel'] as const)('after its %s nothing happens to a body', async (how) => {
  const { body, upstream } = make(10)
  if (how === 'end') body.end()
  else await body.stream.cancel()
  body.end()
  body.fail(new Error('too late'))
  expect(await body.stream.getReader().read()).toEqual({ done: true, value: undefined })
  expect(upstream.abort).not.toHaveBeenCalled()
})
