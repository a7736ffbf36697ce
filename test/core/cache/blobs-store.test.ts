import { describe, expect, test } from 'vitest'
import { inPieces, isSame, makeBytes } from '../../contract/content.ts'
import { type BlobWorld, type BlobWorldOptions, createBlobWorld } from '../support/blob-world.ts'
import type { StoreFault } from '../support/faulty-store.ts'
import { contentOf } from '../support/images.ts'
import { readSome, readToEnd } from '../support/reading.ts'
import { isPending, turns, until } from '../support/turns.ts'

const mebibyte = 2 ** 20
const blob = contentOf(makeBytes(6 * mebibyte))
const size = blob.bytes.byteLength
const path = `/v2/app/blobs/${blob.digest}`
const pieces = inPieces(blob.bytes, 64 * 1024)

function settle(options: Partial<BlobWorldOptions> = {}): BlobWorld {
  return createBlobWorld({ contents: [blob], isControlled: true, ...options })
}

async function sendAll(world: BlobWorld): Promise<void> {
  await until(() => world.downloads.length > 0, 'the download begins')
  for (const piece of pieces) {
    world.downloads[0]!.push(piece)
    await turns(1)
  }
  world.downloads[0]!.end()
}

const complaints = ({ mirror }: BlobWorld): string[] =>
  mirror.logged.filter((line) => line.includes('the cache fails'))

describe('a store that fails', () => {
  test.each<[StoreFault, number]>([
    ['write', 1],
    ['append', 1],
    ['append', 5],
    ['commit', 1],
  ])('to %s, the time %i, costs no pull', async (fault, nth) => {
    const world = settle()
    world.store.fail(fault, nth)
    const answers = [
      world.mirror.get(path),
      world.mirror.get(path),
      world.mirror.get(path, { range: 'bytes=1000-999999' }),
    ]
    await sendAll(world)
    const [one, other, part] = await Promise.all(answers)
    for (const { status, bytes, broken } of [one!, other!]) {
      expect([status, broken]).toEqual([200, undefined])
      expect(isSame(bytes, blob.bytes)).toBe(true)
    }
    expect(part!.status).toBe(206)
    expect(isSame(part!.bytes, blob.bytes.slice(1_000, 1_000_000))).toBe(true)
    await world.mirror.settle()
    expect(complaints(world)).toHaveLength(1)
    expect(await world.metric('store_failures_total{operation="write"}')).toBe(1)
    expect(world.takeLines()[0]).toBe('GET app')
    await until(() => world.store.openWrites === 0, 'the write is released')
  })

  test('again and again is told of once, and serves again when it is mended', async () => {
    const world = settle({ isControlled: false })
    world.store.fail('write')
    for (let count = 0; count < 3; count += 1) {
      const answer = await world.mirror.get(path)
      expect(isSame(answer.bytes, blob.bytes)).toBe(true)
      expect(answer.headers.get('cache-status')).toBe('pullway; fwd=miss')
      await world.mirror.settle()
    }
    expect(complaints(world)).toHaveLength(1)
    expect(await world.metric('store_failures_total{operation="write"}')).toBe(3)
    world.store.repair()
    await world.mirror.get(path)
    await world.mirror.settle()
    expect((await world.mirror.get(path)).headers.get('cache-status')).toBe('pullway; hit')
    expect(world.takeLines()).toHaveLength(4)
  })

  test.each<StoreFault>(['stat', 'open'])('to %s is asked past', async (fault) => {
    const world = settle({ isControlled: false })
    await world.mirror.get(path)
    await world.mirror.settle()
    world.store.fail(fault)
    const answer = await world.mirror.get(path)
    expect([answer.status, answer.broken]).toEqual([200, undefined])
    expect(isSame(answer.bytes, blob.bytes)).toBe(true)
    await world.mirror.settle()
  })
})

test('a stored blob that cannot be read is fetched for all who want it', async () => {
  const world = settle({ isControlled: false })
  await world.mirror.get(path)
  await world.mirror.settle()
  world.takeLines()
  world.store.fail('open')
  const asking = Array.from({ length: 10 }, async (_, index) => {
    await turns(index % 5)
    return world.mirror.get(path)
  })
  for (const { status, bytes } of await Promise.all(asking)) {
    expect(status).toBe(200)
    expect(isSame(bytes, blob.bytes)).toBe(true)
  }
  await world.mirror.settle()
})

describe('no store', () => {
  const none = 'upstreams: { registry.test: { default: true } }\ncache: { blobs: { driver: none } }'

  /** What a runtime brings where nothing is to be kept: a store that takes nothing. */
  function settleWithout(options: Partial<BlobWorldOptions> = {}): BlobWorld {
    const world = settle({ config: none, ...options })
    world.store.fail('write')
    return world
  }

  test('clients at one time share a download, later ones make their own', async () => {
    const world = settleWithout()
    const answers = [world.mirror.get(path), world.mirror.get(path)]
    await sendAll(world)
    for (const { bytes } of await Promise.all(answers)) expect(isSame(bytes, blob.bytes)).toBe(true)
    await world.mirror.settle()
    expect(world.takeLines()).toEqual(['GET app'])
    const again = await world.mirror.fetch(path)
    expect(again.headers.get('cache-status')).toBe('pullway; fwd=miss')
    await again.body!.cancel()
    world.downloads[1]!.push(pieces[0]!)
    await world.mirror.settle()
    expect(world.takeLines()).toEqual(['GET app'])
    expect(world.downloads[1]!.isCancelled).toBe(true)
  })

  test('one client that pauses has all from its one download', async () => {
    const world = settleWithout()
    const response = await world.mirror.fetch(path)
    const reading = readSome(response.body!, 1)
    world.downloads[0]!.push(...pieces)
    world.downloads[0]!.end()
    const first = await reading
    await turns(50)
    const { bytes, broken } = await readToEnd(response.body, [first])
    expect([bytes.byteLength, broken]).toEqual([size, undefined])
    expect(isSame(bytes, blob.bytes)).toBe(true)
    expect(world.takeLines()).toEqual(['GET app'])
    await world.mirror.settle()
  })

  test('a client that falls behind the fastest asks for itself, from where it is', async () => {
    const world = settleWithout()
    const fast = await world.mirror.fetch(path)
    const slow = await world.mirror.fetch(path)
    const before = readSome(slow.body!, 1)
    const reading = readToEnd(fast.body)
    await sendAll(world)
    expect(isSame((await reading).bytes, blob.bytes)).toBe(true)
    const { bytes, broken } = await readToEnd(slow.body, [await before])
    expect(broken).toBeUndefined()
    expect(isSame(bytes, blob.bytes)).toBe(true)
    const position = (await before).byteLength
    expect(world.takeLines()).toEqual(['GET app', `GET app bytes=${position}-${size - 1}`])
  })

  test('a client that fell behind is not held up by a fast one that pauses', async () => {
    const world = settleWithout()
    const fast = await world.mirror.fetch(path)
    const slow = await world.mirror.fetch(path)
    const before = readSome(slow.body!, 1)
    world.downloads[0]!.push(...pieces)
    await readSome(fast.body!, 4 * mebibyte)
    const reading = readToEnd(slow.body, [await before])
    await turns(300)
    const isHeldUp = await isPending(reading)
    await fast.body!.cancel()
    expect(isSame((await reading).bytes, blob.bytes)).toBe(true)
    expect(isHeldUp).toBe(false)
  })

  test('a silent upstream is left at once when the last client leaves', async () => {
    const world = settleWithout()
    const { body } = await world.mirror.fetch(path)
    world.downloads[0]!.push(pieces[0]!)
    await readSome(body!, 1)
    await body!.cancel()
    await turns(20)
    expect(world.downloads[0]!.isCancelled).toBe(true)
  })

  test('a far part leaves no download behind that nobody reads', async () => {
    const world = settleWithout()
    const asked = world.mirror.get(path, { range: 'bytes=5000000-5000099' })
    await until(() => world.downloads.length > 0, 'the download begins')
    world.downloads[0]!.push(pieces[0]!)
    await world.mirror.clock.advance(150)
    expect((await asked).status).toBe(206)
    for (const piece of pieces.slice(1, 40)) world.downloads[0]!.push(piece)
    await turns(100)
    expect(await isPending(world.mirror.pullway.idle())).toBe(false)
    expect(world.downloads[0]!.isCancelled).toBe(true)
  })

  test('a part that is not to be had leaves none either', async () => {
    const world = settleWithout()
    const answer = await world.mirror.get(path, { range: `bytes=${size}-` })
    expect(answer.status).toBe(416)
    world.downloads[0]!.push(...pieces.slice(0, 40))
    await turns(100)
    expect(await isPending(world.mirror.pullway.idle())).toBe(false)
    expect(world.downloads[0]!.isCancelled).toBe(true)
  })
})
