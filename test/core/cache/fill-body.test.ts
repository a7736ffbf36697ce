import { describe, expect, test } from 'vitest'
import { followFill, toBody } from '../../../core/src/cache/fill-body.ts'
import { DigestMismatch, type Fill, type Follower } from '../../../core/src/cache/fill.ts'
import { FellBehind } from '../../../core/src/cache/kept-bytes.ts'
import type { Source } from '../../../core/src/cache/source.ts'
import { digestOf, inPieces, makeBytes } from '../../contract/content.ts'
import { createHasher } from '../support/hashing.ts'
import { readSome, readToEnd } from '../support/reading.ts'
import { isPending, turns } from '../support/turns.ts'

const bytes = makeBytes(100)

/** A fill that gives what it is told to, a chunk a read. */
function createPlayedFill(chunks: readonly (Uint8Array<ArrayBuffer> | Error)[]) {
  const left = [...chunks]
  const asked: number[] = []
  let followers = 0
  const fill: Fill = {
    size: 100,
    received: () => 100,
    finished: Promise.resolve(),
    failure: () => undefined,
    isKept: () => true,
    reach: () => Promise.resolve(),
    follow(): Follower {
      followers += 1
      let hasLeft = false
      return {
        async next(maxBytes) {
          asked.push(maxBytes)
          const chunk = left.shift()
          if (chunk instanceof Error) throw chunk
          return chunk
        },
        witness: () => undefined,
        leave() {
          if (!hasLeft) followers -= 1
          hasLeft = true
        },
      }
    },
  }
  return { fill, asked, followers: () => followers }
}

function createPlayedSource(chunks: readonly (Uint8Array<ArrayBuffer> | Error)[]) {
  const left = [...chunks]
  let isCancelled = false
  const source: Source = {
    async next() {
      const chunk = left.shift()
      if (chunk instanceof Error) throw chunk
      return chunk
    },
    async cancel() {
      isCancelled = true
    },
    blame: () => undefined,
  }
  return { source, left, isCancelled: () => isCancelled }
}

const noOther = (): Promise<Source> => Promise.reject(new Error('no request of its own'))

describe('a body that follows a fill', () => {
  test('reads nothing ahead of its client', async () => {
    const { fill, asked, followers } = createPlayedFill(inPieces(bytes, 10))
    const body = followFill({ fill, first: 0, last: 99, detach: noOther })
    await turns(3)
    expect(asked).toEqual([])
    await readSome(body, 1)
    await turns(3)
    expect(asked).toHaveLength(1)
    expect(followers()).toBe(1)
  })

  test.each([
    [0, 99],
    [0, 0],
    [10, 19],
    [35, 99],
  ])('gives the bytes from %i to %i, and leaves', async (first, last) => {
    const played = createPlayedFill(inPieces(bytes.slice(first), 30))
    const body = followFill({ fill: played.fill, first, last, detach: noOther })
    expect(await readToEnd(body)).toEqual({
      bytes: bytes.slice(first, last + 1),
      broken: undefined,
    })
    expect(played.followers()).toBe(0)
    for (const most of played.asked) expect(most).toBeLessThanOrEqual(last + 1 - first)
  })

  test('without a last byte ends with the fill', async () => {
    const played = createPlayedFill(inPieces(bytes, 30))
    const body = followFill({ fill: played.fill, first: 0, last: undefined, detach: noOther })
    expect(await readToEnd(body)).toEqual({ bytes, broken: undefined })
    expect(played.followers()).toBe(0)
    expect(Math.max(...played.asked)).toBeLessThanOrEqual(256 * 1024)
  })

  test('of nothing ends at once', async () => {
    const played = createPlayedFill([])
    const body = followFill({ fill: played.fill, first: 0, last: -1, detach: noOther })
    expect(await readToEnd(body)).toEqual({ bytes: new Uint8Array(0), broken: undefined })
    expect(played.followers()).toBe(0)
  })

  test('breaks when the fill fails, and leaves', async () => {
    const error = new Error('wrong bytes')
    const played = createPlayedFill([bytes.slice(0, 10), error])
    const body = followFill({ fill: played.fill, first: 0, last: 99, detach: noOther })
    expect(await readToEnd(body)).toEqual({ bytes: bytes.slice(0, 10), broken: error })
    expect(played.followers()).toBe(0)
  })

  test('leaves when its client does', async () => {
    const played = createPlayedFill(inPieces(bytes, 10))
    const body = followFill({ fill: played.fill, first: 0, last: 99, detach: noOther })
    await readSome(body, 1)
    await body.cancel()
    expect(played.followers()).toBe(0)
  })
})

describe('a client that fell behind', () => {
  const behind = (): ReturnType<typeof createPlayedFill> =>
    createPlayedFill([bytes.slice(20, 30), new FellBehind('behind what is kept')])

  test('goes on with a download of its own from where it was', async () => {
    const played = behind()
    const own = createPlayedSource([bytes.slice(30, 90), bytes.slice(90)])
    const asked: unknown[] = []
    const detach = async (...range: readonly unknown[]): Promise<Source> => {
      asked.push(range)
      return {
        ...own.source,
        next() {
          // Nobody waits for it there any more.
          expect(played.followers()).toBe(0)
          return own.source.next()
        },
      }
    }
    const body = followFill({ fill: played.fill, first: 20, last: 94, detach })
    expect(await readToEnd(body)).toEqual({ bytes: bytes.slice(20, 95), broken: undefined })
    expect(asked).toEqual([[30, 94]])
    expect(played.followers()).toBe(0)
    expect(own.isCancelled()).toBe(true)
  })

  test('has its part when that is here, however long the fill goes on', async () => {
    const own = createPlayedSource([bytes.slice(30, 90)])
    const fill: Fill = { ...behind().fill, finished: new Promise(() => undefined) }
    const body = followFill({ fill, first: 20, last: 89, detach: async () => own.source })
    const reading = readToEnd(body)
    expect(await isPending(reading)).toBe(false)
    expect(await reading).toEqual({ bytes: bytes.slice(20, 90), broken: undefined })
  })

  describe('of several endpoints', () => {
    const others = makeBytes(100, 7)
    const wrongEnd = Uint8Array.from(bytes, (byte, index) => (index === 99 ? byte ^ 1 : byte))
    const wrongStart = Uint8Array.from(bytes, (byte, index) => (index === 0 ? byte ^ 1 : byte))
    const check = {
      createHasher,
      digest: digestOf(bytes),
      isFromStart: false,
      onMismatch: () => undefined,
    }

    /** A fill that gives 30 bytes, of which some can be read back. */
    function settle(
      given: Uint8Array<ArrayBuffer>,
      readable: number,
      failure?: Error,
    ): ReturnType<typeof createPlayedFill> & { readonly witnessed: () => number } {
      const played = createPlayedFill([])
      let witnesses = 0
      let count = 0
      const fill: Fill = {
        ...played.fill,
        isKept: () => false,
        failure: () => failure,
        follow: (start) => {
          const limit = count++ === 0 ? 30 : readable
          const left = inPieces(given.slice(start, limit), 10)
          return {
            ...played.fill.follow(start),
            next: async () => left.shift() ?? Promise.reject(new FellBehind('behind')),
            witness: () => void (witnesses += 1),
          }
        },
      }
      return { ...played, fill, witnessed: () => witnesses }
    }

    async function follow(
      fill: Fill,
      other: Uint8Array<ArrayBuffer>,
      isFromStart: boolean,
    ): Promise<{ readonly got: unknown; readonly asked: readonly number[] }> {
      const asked: number[] = []
      const detach = async (first: number): Promise<Source> => {
        asked.push(first)
        return createPlayedSource([...inPieces(other.slice(first, 99), 7), other.slice(99)]).source
      }
      const body = followFill({
        fill,
        first: 0,
        last: 99,
        check: { ...check, isFromStart },
        detach,
      })
      const { bytes: sent, broken } = await readToEnd(body)
      return { got: broken ?? sent, asked }
    }

    const isWrong = expect.any(DigestMismatch) as unknown
    const cut = new Error('its download was cut')
    test.each([
      ['no store', bytes, 0, undefined, bytes, true, bytes, 30],
      ['no store, and wrong bytes', bytes, 0, undefined, others, true, isWrong, 30],
      ['a store that failed', bytes, 30, undefined, bytes, false, bytes, 30],
      ['a store that failed, and wrong bytes', bytes, 30, undefined, others, false, isWrong, 30],
      ['a store that failed, and a wrong end', bytes, 30, undefined, wrongEnd, false, isWrong, 30],
      ['a wrong start before', wrongStart, 30, undefined, bytes, false, isWrong, 30],
      ['nothing to read back', bytes, 20, undefined, bytes, false, bytes, 0],
      ['nothing to read back, and wrong bytes', bytes, 20, undefined, others, false, isWrong, 0],
      ['nothing to read back, and a wrong end', bytes, 0, undefined, wrongEnd, false, isWrong, 0],
      ['nothing to read back, and a fill that fails', bytes, 0, cut, bytes, false, cut, 0],
    ])('with %s', async (_, given, readable, failure, other, isFromStart, expected, first) => {
      const { fill, witnessed, followers } = settle(given, readable, failure)
      expect(await follow(fill, other, isFromStart)).toEqual({ got: expected, asked: [first] })
      // The fill goes on to its end where it alone can tell whether what was sent first is right.
      expect(witnessed() > 0).toBe(first === 0)
      expect(followers()).toBe(0)
    })
  })

  test('breaks when that is not to be had', async () => {
    const error = new Error('the upstream is gone')
    const body = followFill({
      fill: behind().fill,
      first: 20,
      last: 99,
      detach: () => Promise.reject(error),
    })
    expect((await readToEnd(body)).broken).toBe(error)
  })

  test('breaks when that breaks', async () => {
    const error = new Error('cut')
    const own = createPlayedSource([bytes.slice(30, 40), error])
    const body = followFill({
      fill: behind().fill,
      first: 20,
      last: 99,
      detach: async () => own.source,
    })
    expect(await readToEnd(body)).toEqual({ bytes: bytes.slice(20, 40), broken: error })
    expect(own.isCancelled()).toBe(true)
  })

  test('does not take a short download for a whole one', async () => {
    const own = createPlayedSource([bytes.slice(30, 40)])
    const body = followFill({
      fill: behind().fill,
      first: 20,
      last: 99,
      detach: async () => own.source,
    })
    expect((await readToEnd(body)).broken).toBeDefined()
  })

  test('lets go of it when its client leaves, also while it is being opened', async () => {
    const own = createPlayedSource(inPieces(bytes.slice(30), 10))
    const open = followFill({
      fill: behind().fill,
      first: 20,
      last: 99,
      detach: async () => own.source,
    })
    await readSome(open, 15)
    await open.cancel()
    expect(own.isCancelled()).toBe(true)

    const late = createPlayedSource(inPieces(bytes.slice(30), 10))
    let give: (source: Source) => void = () => undefined
    const opening = followFill({
      fill: behind().fill,
      first: 20,
      last: 99,
      detach: () => new Promise((resolve) => (give = resolve)),
    })
    const reader = opening.getReader()
    await reader.read()
    const next = reader.read()
    await turns(2)
    await reader.cancel()
    give(late.source)
    await next
    await turns(3)
    expect(late.isCancelled()).toBe(true)
  })
})

describe('a body of its own', () => {
  test('is the download, as it is read', async () => {
    const own = createPlayedSource(inPieces(bytes, 10))
    const body = toBody(own.source)
    await turns(3)
    expect(own.left).toHaveLength(10)
    expect(await readToEnd(body)).toEqual({ bytes, broken: undefined })
  })

  test('breaks with it, and is cancelled with its client', async () => {
    const error = new Error('cut')
    const broken = toBody(createPlayedSource([bytes, error]).source)
    expect(await readToEnd(broken)).toEqual({ bytes, broken: error })
    const own = createPlayedSource(inPieces(bytes, 10))
    const body = toBody(own.source)
    await readSome(body, 1)
    await body.cancel()
    expect(own.isCancelled()).toBe(true)
  })
})
