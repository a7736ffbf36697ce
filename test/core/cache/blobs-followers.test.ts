import { describe, expect, test } from 'vitest'
import { inPieces, isSame, makeBytes } from '../../contract/content.ts'
import { type BlobWorld, type BlobWorldOptions, createBlobWorld } from '../support/blob-world.ts'
import { contentOf } from '../support/images.ts'
import { readSome, readToEnd } from '../support/reading.ts'
import { isPending, turns, until } from '../support/turns.ts'

const kibibyte = 1024
const blob = contentOf(makeBytes(1_000))
const path = `/v2/app/blobs/${blob.digest}`

function settle(options: Partial<BlobWorldOptions> = {}): BlobWorld {
  return createBlobWorld({ contents: [blob], isControlled: true, ...options })
}

async function get({ mirror }: BlobWorld, range?: string): Promise<ReadableStream<Uint8Array>> {
  const response = await mirror.fetch(path, range === undefined ? {} : { headers: { range } })
  return response.body!
}

describe('one client', () => {
  test('has the first byte before the upstream has sent the second', async () => {
    const world = settle()
    const body = await get(world)
    const [download] = world.downloads
    download!.push(blob.bytes.slice(0, 1))
    const first = await readSome(body, 1)
    expect(first).toEqual(blob.bytes.slice(0, 1))
    download!.push(blob.bytes.slice(1))
    download!.end()
    expect(await readToEnd(body, [first])).toEqual({ bytes: blob.bytes, broken: undefined })
  })

  test('has the headers before the first byte', async () => {
    const world = settle()
    const response = await world.mirror.fetch(path)
    expect([response.status, response.headers.get('content-length')]).toEqual([200, '1000'])
    await response.body!.cancel()
    world.downloads[0]!.push(blob.bytes)
    world.downloads[0]!.end()
    await world.mirror.settle()
  })

  test('has the last byte when the digest is right, not before', async () => {
    const world = settle()
    const body = await get(world)
    world.downloads[0]!.push(blob.bytes)
    const most = await readSome(body, 999)
    expect(most).toHaveLength(999)
    const rest = readToEnd(body, [most])
    expect(await isPending(rest)).toBe(true)
    world.downloads[0]!.end()
    expect(await rest).toEqual({ bytes: blob.bytes, broken: undefined })
  })
})

describe('several clients of one blob', () => {
  test('are served by one request, whenever they come', async () => {
    const world = settle()
    const bodies = [await get(world)]
    const [download] = world.downloads
    const pieces = inPieces(blob.bytes, 100)
    for (const piece of pieces) {
      download!.push(piece)
      await turns(3)
      bodies.push(await get(world), await get(world, 'bytes=150-849'))
    }
    download!.end()
    for (const [index, body] of bodies.entries()) {
      const right = index > 0 && index % 2 === 0 ? blob.bytes.slice(150, 850) : blob.bytes
      expect(await readToEnd(body)).toEqual({ bytes: right, broken: undefined })
    }
    expect(world.takeLines()).toEqual(['GET app'])
    expect(await world.metric('coalesced_total')).toBe(20)
  })

  test('are told so', async () => {
    const world = settle()
    const leader = await world.mirror.fetch(path)
    world.downloads[0]!.push(blob.bytes.slice(0, 10))
    await turns(3)
    const follower = await world.mirror.fetch(path)
    expect(leader.headers.get('cache-status')).toBe('pullway; fwd=miss; stored')
    expect(follower.headers.get('cache-status')).toBe('pullway; fwd=miss; collapsed')
    world.downloads[0]!.push(blob.bytes.slice(10))
    world.downloads[0]!.end()
    for (const { body } of [leader, follower])
      expect((await readToEnd(body)).bytes).toEqual(blob.bytes)
  })

  test('that come before the upstream has answered wait for that answer', async () => {
    let answer: (response: Response) => void = () => undefined
    const world = settle({
      answer: ({ method }) =>
        method === 'GET' ? new Promise((resolve) => (answer = resolve)) : undefined,
    })
    const leader = get(world)
    await turns(10)
    const followers = [get(world), get(world, 'bytes=10-19')]
    await turns(10)
    answer(new Response(blob.bytes, { headers: { 'content-length': '1000' } }))
    expect((await readToEnd(await leader)).bytes).toEqual(blob.bytes)
    expect((await readToEnd(await followers[0]!)).bytes).toEqual(blob.bytes)
    expect((await readToEnd(await followers[1]!)).bytes).toEqual(blob.bytes.slice(10, 20))
    expect(world.takeLines()).toEqual(['GET app'])
  })

  test('at the same moment', async () => {
    const world = settle({ isControlled: false })
    const answers = await Promise.all(Array.from({ length: 20 }, () => world.mirror.get(path)))
    for (const { bytes } of answers) expect(bytes).toEqual(blob.bytes)
    expect(world.takeLines()).toEqual(['GET app'])
  })

  test('are told of its length by HEAD, at no cost', async () => {
    const world = settle()
    const body = await get(world)
    world.takeLines()
    const head = await world.mirror.head(path)
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '1000'])
    expect(world.takeLines()).toEqual([])
    world.downloads[0]!.push(blob.bytes)
    world.downloads[0]!.end()
    expect((await readToEnd(body)).bytes).toEqual(blob.bytes)
  })

  test('lose nothing when the first one goes', async () => {
    const world = settle()
    const leader = await get(world)
    world.downloads[0]!.push(blob.bytes.slice(0, 100))
    await readSome(leader, 50)
    const follower = await get(world)
    await leader.cancel()
    world.downloads[0]!.push(blob.bytes.slice(100))
    world.downloads[0]!.end()
    expect((await readToEnd(follower)).bytes).toEqual(blob.bytes)
    expect(world.takeLines()).toEqual(['GET app'])
  })

  test('all go, and the blob comes all the same', async () => {
    const world = settle()
    const [one, other] = [await get(world), await get(world)]
    await Promise.all([one.cancel(), other.cancel()])
    world.downloads[0]!.push(blob.bytes)
    world.downloads[0]!.end()
    await world.mirror.settle()
    expect((await world.mirror.get(path)).headers.get('cache-status')).toBe('pullway; hit')
    expect(world.takeLines()).toEqual(['GET app'])
    expect(world.store.openWrites).toBe(0)
  })

  test('are not held up by one that reads nothing', async () => {
    const world = settle()
    const paused = await get(world)
    const running = readToEnd(await get(world))
    world.downloads[0]!.push(...inPieces(blob.bytes, 10))
    world.downloads[0]!.end()
    expect((await running).bytes).toEqual(blob.bytes)
    await world.mirror.settle()
    expect(await world.store.stat(blob.digest)).toEqual({ size: 1_000 })
    expect((await readToEnd(paused)).bytes).toEqual(blob.bytes)
    expect(world.takeLines()).toEqual(['GET app'])
  })
})

describe('wrong content', () => {
  const wrong = makeBytes(1_000, 7)
  test.each([
    ['other bytes', wrong, true],
    ['too many', makeBytes(1_001), true],
    ['other bytes of unknown length', wrong, false],
    ['too few of unknown length', blob.bytes.slice(0, 999), false],
    ['too many of unknown length', makeBytes(1_001), false],
  ])(
    '%s: nobody takes it for whole, and the next pull asks again',
    async (_, bytes, tellsLength) => {
      const world = settle({ tellsLength })
      const bodies = [await get(world), await get(world)]
      world.downloads[0]!.push(bytes)
      world.downloads[0]!.end()
      for (const body of bodies) {
        const { bytes: read, broken } = await readToEnd(body)
        expect(broken).toBeDefined()
        expect(read.byteLength).toBeLessThan(bytes.byteLength)
      }
      await world.mirror.settle()
      expect(await world.store.stat(blob.digest)).toBeUndefined()
      expect(world.store.openWrites).toBe(0)
      const warnings = world.mirror.logged.filter((line) => line.includes('into the cache failed'))
      expect(warnings).toHaveLength(1)
      expect(await world.metric('digest_mismatches_total')).toBe(1)
      const next = await get(world)
      world.downloads[1]!.push(blob.bytes)
      world.downloads[1]!.end()
      expect((await readToEnd(next)).bytes).toEqual(blob.bytes)
    },
  )

  test('too few of known length is a cut: the rest is asked for', async () => {
    const world = settle()
    const bodies = [await get(world), await get(world, 'bytes=500-')]
    world.downloads[0]!.push(blob.bytes.slice(0, 900))
    world.downloads[0]!.end()
    const [whole, part] = await world.mirror.drive(
      Promise.all(bodies.map((body) => readToEnd(body))),
    )
    expect(whole).toEqual({ bytes: blob.bytes, broken: undefined })
    expect(part).toEqual({ bytes: blob.bytes.slice(500), broken: undefined })
    expect(world.takeLines()).toEqual(['GET app', 'GET app bytes=900-999'])
    expect(await world.metric('resumes_total')).toBe(1)
  })

  test('a cut that nothing mends breaks every client, and nothing is kept', async () => {
    const world = settle({ ranges: 'refuse' })
    const bodies = [await get(world), await get(world)]
    world.downloads[0]!.push(blob.bytes.slice(0, 900))
    world.downloads[0]!.cut()
    const results = await world.mirror.drive(Promise.all(bodies.map((body) => readToEnd(body))))
    for (const { broken } of results) expect(broken).toBeDefined()
    await world.mirror.settle()
    expect(await world.store.stat(blob.digest)).toBeUndefined()
    expect(world.store.openWrites).toBe(0)
  })
})

test('twenty clients at random times with random ranges: right bytes, one download', async () => {
  const large = contentOf(makeBytes(6 * 1024 * kibibyte))
  const world = settle({ contents: [large] })
  const size = large.bytes.byteLength
  const random = createRandom(4711)
  const largePath = `/v2/app/blobs/${large.digest}`
  const clients: Promise<void>[] = []

  const start = (first: number, last: number, isSlow: boolean): void => {
    clients.push(
      (async () => {
        const headers = { range: `bytes=${first}-${last}` }
        const { status, body } = await world.mirror.fetch(largePath, { headers })
        expect(status).toBe(206)
        const before = isSlow ? [await readSome(body!, 1)] : []
        if (isSlow) await turns(Math.floor(random() * 300))
        const { bytes, broken } = await readToEnd(body, before)
        expect(broken).toBeUndefined()
        expect(isSame(bytes, large.bytes.slice(first, last + 1))).toBe(true)
      })(),
    )
  }

  start(0, size - 1, false)
  await until(() => world.downloads.length === 1, 'the download begins')
  const pieces = inPieces(large.bytes, 128 * kibibyte)
  for (const [index, piece] of pieces.entries()) {
    world.downloads[0]!.push(piece)
    await world.mirror.clock.advance(1)
    if (index % 2 === 1 || clients.length >= 20) continue
    const first = Math.floor(random() * size)
    start(first, first + Math.floor(random() * (size - first)), random() < 0.5)
  }
  world.downloads[0]!.end()
  await Promise.all(clients)
  expect(clients).toHaveLength(20)
  expect(world.takeLines()).toEqual(['GET app'])
  await world.mirror.settle()
  await until(() => world.store.openWrites === 0, 'the write is released')
})

/** The same numbers in every run. */
function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
