import { describe, expect, test } from 'vitest'
import { RegistryError } from '../../../core/src/errors.ts'
import type { BlobDownload } from '../../../core/src/upstream/blobs.ts'
import { UpstreamTrouble } from '../../../core/src/upstream/trouble.ts'
import { type Bytes, inPieces, makeBytes } from '../../contract/content.ts'
import { bodyOf, createControlledBody } from '../support/controlled-body.ts'
import { createSourceWorld } from '../support/source-world.ts'
import { isPending, turns } from '../support/turns.ts'

const bytes = makeBytes(100)

function download(
  body: ReadableStream<Bytes>,
  position = 0,
  size: number | undefined = 100,
): BlobDownload {
  return { body, position, size, blame: () => undefined }
}

/** A body that breaks after some bytes, by an error or by an end that comes too early. */
function cutAfter(length: number, from = 0, how: 'reset' | 'end' = 'reset'): ReadableStream<Bytes> {
  const body = createControlledBody()
  const pieces = inPieces(bytes.slice(from, length), 10)
  return new ReadableStream<Bytes>(
    {
      pull(controller) {
        const piece = pieces.shift()
        if (piece) controller.enqueue(piece)
        else if (how === 'end') controller.close()
        else controller.error(new Error('the connection was reset'))
      },
      cancel: () => body.end(),
    },
    { highWaterMark: 0 },
  )
}

const whole = (): ReadableStream<Bytes> => bodyOf(...inPieces(bytes, 30))
const rest = (position: number): ReadableStream<Bytes> =>
  bodyOf(...inPieces(bytes.slice(position), 30))

describe('a download that goes well', () => {
  test.each([100, undefined])('with the end %s known', async (end) => {
    const { readAll, resumed, metrics, clock } = createSourceWorld({
      first: download(whole()),
      end,
    })
    expect(await readAll()).toEqual({ bytes, broken: undefined })
    expect(resumed).toEqual([])
    expect(metrics.render()).toContain('pullway_upstream_bytes_total{upstream="docker.io"} 100')
    expect(clock.sleepers).toBe(0)
  })

  test('of nothing', async () => {
    const { readAll } = createSourceWorld({ first: download(bodyOf()), end: 0 })
    expect(await readAll()).toEqual({ bytes: new Uint8Array(0), broken: undefined })
  })

  test('that begins before what is wanted', async () => {
    const { readAll } = createSourceWorld({ first: download(whole()), start: 35, end: 100 })
    expect(await readAll()).toEqual({ bytes: bytes.slice(35), broken: undefined })
  })

  test('reads nothing ahead', async () => {
    const body = createControlledBody()
    body.push(bytes.slice(0, 10), bytes.slice(10, 20), bytes.slice(20, 30))
    const { source } = createSourceWorld({ first: download(body.stream), end: 100 })
    await source.next()
    await turns(5)
    expect(body.unread).toBe(2)
  })
})

describe('a download that is cut', () => {
  test.each(['reset', 'end'] as const)('by a %s goes on where it was', async (how) => {
    const { readAll, resumed, metrics, logger } = createSourceWorld({
      first: download(cutAfter(40, 0, how)),
      end: 100,
      resume: (position) => download(rest(position), position),
    })
    expect(await readAll()).toEqual({ bytes, broken: undefined })
    expect(resumed).toEqual([40])
    expect(metrics.render()).toContain('pullway_resumes_total 1\n')
    expect(logger.entries).toEqual([
      {
        level: 'info',
        message: 'a download goes on after a cut',
        fields: { upstream: 'docker.io', position: 40 },
      },
    ])
  })

  test('is held against who sent it, unless the reader has left', async () => {
    const said: string[] = []
    const blame = (what: string): void => void said.push(what)
    const { readAll, source } = createSourceWorld({
      first: { ...download(cutAfter(40)), blame },
      end: 100,
      resume: (position) => ({ ...download(rest(position), position), blame }),
    })
    await readAll()
    expect(said).toEqual(['its download was cut'])
    source.blame('its bytes are wrong')
    expect(said.slice(1)).toEqual(['its bytes are wrong', 'its bytes are wrong'])
    const body = createControlledBody()
    const left = createSourceWorld({ first: { ...download(body.stream), blame }, end: 100 })
    const reading = left.source.next().catch(() => undefined)
    await left.source.cancel('nobody wants it')
    await reading
    expect(said).toHaveLength(3)
  })

  test.each([
    [2_000, ['its download was cut']],
    [4_000, []],
  ])('after the reader took %d ms off is held against who sent it: %j', async (pauseMs, held) => {
    const said: string[] = []
    const { clock, readAll, source } = createSourceWorld({
      first: { ...download(cutAfter(40)), blame: (what) => void said.push(what) },
      end: 100,
      resume: (position) => download(rest(position), position),
    })
    await source.next()
    await clock.advance(pauseMs)
    expect(await readAll()).toEqual({ bytes: bytes.slice(10), broken: undefined })
    expect(said).toEqual(held)
  })

  test('and answered from the start skips what it has', async () => {
    const { readAll, resumed } = createSourceWorld({
      first: download(cutAfter(40)),
      end: 100,
      resume: () => download(whole(), 0),
    })
    expect(await readAll()).toEqual({ bytes, broken: undefined })
    expect(resumed).toEqual([40])
  })

  test('again and again goes on as long as each attempt brings something', async () => {
    const { readAll, resumed } = createSourceWorld({
      first: download(cutAfter(10)),
      end: 100,
      resume: (position) => download(cutAfter(position + 10, position), position),
    })
    expect(await readAll()).toEqual({ bytes, broken: undefined })
    expect(resumed).toEqual([10, 20, 30, 40, 50, 60, 70, 80, 90])
  })

  test('at its very end is whole', async () => {
    const { readAll, resumed } = createSourceWorld({ first: download(cutAfter(100)), end: 100 })
    expect(await readAll()).toEqual({ bytes, broken: undefined })
    expect(resumed).toEqual([])
  })

  test('with an unknown end goes on after a reset, and takes an end for the end', async () => {
    const reset = createSourceWorld({
      first: download(cutAfter(40), 0, undefined),
      resume: (position) => download(rest(position), position, undefined),
    })
    expect(await reset.readAll()).toEqual({ bytes, broken: undefined })
    const ended = createSourceWorld({ first: download(cutAfter(40, 0, 'end'), 0, undefined) })
    expect(await ended.readAll()).toEqual({ bytes: bytes.slice(0, 40), broken: undefined })
  })

  test('and brings nothing four times is given up, after pauses that grow', async () => {
    const world = createSourceWorld({ first: download(cutAfter(40)), end: 100 })
    const start = world.clock.now()
    const { bytes: read, broken } = await world.readAll()
    expect(read).toEqual(bytes.slice(0, 40))
    expect(broken).toMatchObject({ name: 'FetchError', failure: 'unreachable' })
    expect(world.resumed).toEqual([40, 40, 40, 40])
    expect(world.clock.now() - start).toBeGreaterThanOrEqual(250 + 500 + 1_000 + 2_000)
    expect(world.clock.sleepers).toBe(0)
  })

  test('and answered, but with nothing, is given up too', async () => {
    const world = createSourceWorld({
      first: download(cutAfter(40)),
      end: 100,
      resume: (position) => download(bodyOf(), position),
    })
    expect((await world.readAll()).broken).toMatchObject({ failure: 'unreachable' })
    expect(world.resumed).toHaveLength(4)
  })

  const refusal = new RegistryError('BLOB_UNKNOWN', 'no such range')
  const nonsense = new UpstreamTrouble('docker.io', 'server-error', 'it answered 501')
  const silence = new UpstreamTrouble('docker.io', 'timeout', 'it is silent')

  test.each([
    ['refused', refusal, [40, 0]],
    ['answered with nonsense', nonsense, [40, 40, 40, 0]],
  ])('and %s for the rest gets the whole, and skips what it has', async (_, error, resumed) => {
    const world = createSourceWorld({
      first: download(cutAfter(40)),
      end: 100,
      resume(position) {
        if (position > 0) throw error
        return download(whole(), 0)
      },
    })
    expect(await world.readAll()).toEqual({ bytes, broken: undefined })
    expect(world.resumed).toEqual(resumed)
  })

  test('and refused for the rest of a part gets it out of the whole', async () => {
    const world = createSourceWorld({
      first: download(cutAfter(40, 20), 20),
      start: 20,
      end: 70,
      isPart: true,
      resume(position) {
        if (position > 0) throw refusal
        return download(whole(), 0)
      },
    })
    expect(await world.readAll()).toEqual({ bytes: bytes.slice(20, 70), broken: undefined })
    expect(world.resumed).toEqual([40, 0])
  })

  test.each([
    ['refused for the whole, too,', refusal, [40, 0]],
    ['met with silence', silence, [40, 40, 40, 40]],
  ])('and %s is given up', async (_, error, resumed) => {
    const world = createSourceWorld({
      first: download(cutAfter(40)),
      end: 100,
      resume() {
        throw error
      },
    })
    expect((await world.readAll()).broken).toMatchObject({ failure: 'unreachable', cause: error })
    expect(world.resumed).toEqual(resumed)
  })

  test('while another attempt is there', async () => {
    let attempts = 0
    const world = createSourceWorld({
      first: download(cutAfter(40)),
      end: 100,
      resume: (position) => {
        attempts += 1
        if (attempts < 4) throw new Error('still down')
        return download(rest(position), position)
      },
    })
    expect(await world.readAll()).toEqual({ bytes, broken: undefined })
  })
})

describe('a download that brings nothing', () => {
  test('is idle, and goes on with another request', async () => {
    const silent = createControlledBody()
    silent.push(bytes.slice(0, 40))
    const world = createSourceWorld({
      first: download(silent.stream),
      end: 100,
      resume: (position) => download(rest(position), position),
    })
    expect(await world.readAll()).toEqual({ bytes, broken: undefined })
    expect(world.resumed).toEqual([40])
    expect(silent.isCancelled).toBe(true)
  })

  test('is idle also where its end is not known', async () => {
    const silent = createControlledBody()
    silent.push(bytes.slice(0, 40))
    const world = createSourceWorld({
      first: download(silent.stream, 0, undefined),
      resume: (position) => download(rest(position), position, undefined),
    })
    expect(await world.readAll()).toEqual({ bytes, broken: undefined })
    expect(world.resumed).toEqual([40])
  })

  test('is not idle while bytes come that are skipped', async () => {
    const slow = createControlledBody()
    const world = createSourceWorld({
      first: download(cutAfter(40)),
      end: 100,
      // The upstream knows no ranges: it sends all of it again, at 10 bytes in 10 s.
      resume: () => download(slow.stream, 0),
    })
    const reading = world.read()
    await world.clock.advance(250)
    for (const piece of inPieces(bytes, 10)) {
      await world.clock.advance(10_000)
      expect(slow.isCancelled).toBe(false)
      slow.push(piece)
    }
    slow.end()
    expect(await reading).toEqual({ bytes, broken: undefined })
    expect(world.resumed).toEqual([40])
  })

  test('is not idle while nobody reads', async () => {
    const body = createControlledBody()
    body.push(...inPieces(bytes, 50))
    body.end()
    const world = createSourceWorld({
      first: download(body.stream),
      end: 100,
      resume: (position) => download(rest(position), position),
    })
    await world.source.next()
    await world.clock.advance(10 * 60_000)
    expect((await world.readAll()).bytes).toEqual(bytes.slice(50))
    expect(world.resumed).toEqual([])
  })

  test('at its end is not waited for any longer than that', async () => {
    const open = createControlledBody()
    open.push(bytes)
    const world = createSourceWorld({ first: download(open.stream), end: 100 })
    expect(await world.readAll()).toEqual({ bytes, broken: undefined })
    expect(world.resumed).toEqual([])
  })
})

describe('a body that is longer than it may be', () => {
  test('shows, but is not read to its end', async () => {
    const body = createControlledBody()
    body.push(bytes, makeBytes(10), makeBytes(10), makeBytes(10))
    const { source } = createSourceWorld({ first: download(body.stream), end: 100 })
    expect(await source.next()).toEqual(bytes)
    expect((await source.next())?.byteLength).toBe(10)
    expect(body.unread).toBe(2)
  })
})

describe('a part', () => {
  test.each([
    ['exactly', () => download(bodyOf(bytes.slice(20, 50)), 20)],
    ['in the whole', () => download(whole(), 0)],
    ['in one chunk of the whole', () => download(bodyOf(bytes), 0)],
    ['with more behind it', () => download(bodyOf(...inPieces(bytes.slice(20), 7)), 20)],
    ['with more before it', () => download(bodyOf(...inPieces(bytes.slice(0, 50), 7)), 0)],
  ])('that comes %s is that part', async (_, first) => {
    const world = createSourceWorld({ first: first(), start: 20, end: 50, isPart: true })
    expect(await world.readAll()).toEqual({ bytes: bytes.slice(20, 50), broken: undefined })
    expect(world.resumed).toEqual([])
    expect(world.clock.sleepers).toBe(0)
  })

  test('that is here lets go of what would follow', async () => {
    const body = createControlledBody()
    body.push(bytes.slice(20, 60))
    const first = download(body.stream, 20)
    const world = createSourceWorld({ first, start: 20, end: 50, isPart: true })
    expect(await world.read()).toEqual({ bytes: bytes.slice(20, 50), broken: undefined })
    expect(body.isCancelled).toBe(true)
  })

  test.each([
    ['from there', (position: number) => download(rest(position), position)],
    ['from the start', () => download(whole(), 0)],
  ])('that is cut goes on %s, to its end', async (_, resume) => {
    const first = download(cutAfter(40, 20), 20)
    const world = createSourceWorld({ first, start: 20, end: 50, isPart: true, resume })
    expect(await world.readAll()).toEqual({ bytes: bytes.slice(20, 50), broken: undefined })
    expect(world.resumed).toEqual([40])
  })
})

describe('a cancel', () => {
  test('reaches the upstream', async () => {
    const body = createControlledBody()
    const { source, clock } = createSourceWorld({ first: download(body.stream), end: 100 })
    await source.cancel('enough')
    expect(body.isCancelled).toBe(true)
    expect(clock.sleepers).toBe(0)
  })

  test('during a pause asks for no more', async () => {
    const again = createControlledBody()
    const world = createSourceWorld({
      first: download(cutAfter(0)),
      end: 100,
      resume: (position) => download(again.stream, position),
    })
    const next = world.source.next()
    expect(await isPending(next)).toBe(true)
    await world.source.cancel('enough')
    const ended = next.catch(() => undefined)
    await world.clock.advance(60_000)
    await ended
    expect(world.resumed).toEqual([])
  })

  test('during a new request lets go of what comes of it', async () => {
    const again = createControlledBody()
    let answer: (download: BlobDownload) => void = () => undefined
    const world = createSourceWorld({
      first: download(cutAfter(0)),
      end: 100,
      resume: () => new Promise((resolve) => (answer = resolve)),
    })
    const ended = world.source.next().catch(() => undefined)
    await world.clock.advance(250)
    expect(world.resumed).toEqual([0])
    await world.source.cancel('enough')
    answer(download(again.stream))
    await turns(5)
    const isCancelled = again.isCancelled
    // The idle limit ends what was not let go.
    await world.clock.advance(60_000)
    await ended
    expect(isCancelled).toBe(true)
  })
})
