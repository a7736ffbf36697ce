import { describe, expect, test, vi } from 'vitest'
import { createUpstreamBody, type UpstreamBody } from '../../adapters/node/src/upstream-body.ts'
import { makeBytes } from './content.ts'

function make(announced = NaN) {
  const upstream = { pause: vi.fn(), resume: vi.fn(), abort: vi.fn<(reason: Error) => void>() }
  return { upstream, body: createUpstreamBody(upstream, announced) }
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
    { chunkBytes: 0, chunks: 2_048 },
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

describe('with many bodies on their way', () => {
  const many = 1_000
  function makeMany() {
    const bodies = { open: many }
    const upstream = { pause: vi.fn(), resume: vi.fn(), abort: vi.fn<(reason: Error) => void>() }
    return { bodies, upstream, body: createUpstreamBody(upstream, NaN, bodies) }
  }

  test('each is paused after a chunk, and goes on when that is read', async () => {
    const { body, upstream } = makeMany()
    expect(pushUntilPaused(body, upstream, 65_536)).toBe(1)
    const reader = body.stream.getReader()
    for (let count = 1; count < 20; count += 1) {
      await reader.read()
      expect(upstream.resume).toHaveBeenCalledTimes(count)
      body.push(makeBytes(65_536))
      expect(upstream.pause).toHaveBeenCalledTimes(count + 1)
    }
  })

  test.each<[string, (body: UpstreamBody) => unknown]>([
    ['ends', (body) => body.end()],
    ['breaks', (body) => body.fail(new Error('cut'))],
    ['is not wanted any more, and ends', (body) => body.stream.cancel().then(() => body.end())],
    ['breaks twice', (body) => [1, 2].forEach(() => body.fail(new Error('cut')))],
  ])('one that %s leaves its share to the others', async (_, act) => {
    const { bodies, body } = makeMany()
    expect(bodies.open).toBe(many + 1)
    await act(body)
    expect(bodies.open).toBe(many)
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
