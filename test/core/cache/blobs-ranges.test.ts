import { describe, expect, test } from 'vitest'
import { inPieces, isSame, makeBytes } from '../../contract/content.ts'
import type { Answered } from '../../fakes/mirror.ts'
import {
  type BlobWorld,
  type BlobWorldOptions,
  createBlobWorld,
  partOf,
} from '../support/blob-world.ts'
import { contentOf } from '../support/images.ts'
import { readToEnd } from '../support/reading.ts'
import { isPending, turns, until } from '../support/turns.ts'

const mebibyte = 2 ** 20
const blob = contentOf(makeBytes(6 * mebibyte))
const size = blob.bytes.byteLength
const path = `/v2/app/blobs/${blob.digest}`
const pieces = inPieces(blob.bytes, 64 * 1024)

function settle(options: Partial<BlobWorldOptions> = {}): BlobWorld {
  return createBlobWorld({ contents: [blob], isControlled: true, ...options })
}

function expectPart(answer: Answered, first: number, last: number): void {
  expect(answer.status).toBe(206)
  expect(answer.broken).toBeUndefined()
  expect(answer.headers.get('content-range')).toBe(`bytes ${first}-${last}/${size}`)
  expect(answer.headers.get('content-length')).toBe(String(last + 1 - first))
  expect(answer.bytes.byteLength).toBe(last + 1 - first)
  expect(isSame(answer.bytes, blob.bytes.slice(first, last + 1))).toBe(true)
}

/** Sends the whole download at so many bytes a millisecond of the clock. */
async function send(world: BlobWorld, bytesPerMs: number): Promise<void> {
  await until(() => world.downloads.length > 0, 'the download begins')
  for (const piece of pieces) {
    world.downloads[0]!.push(piece)
    await world.mirror.clock.advance(piece.byteLength / bytesPerMs)
  }
  world.downloads[0]!.end()
  await world.mirror.clock.advance(150)
}

describe('a part of a blob that is not here yet', () => {
  test.each([
    ['the beginning', 'bytes=0-99', 0, 99],
    ['a part nearby', 'bytes=500000-600000', 500_000, 600_000],
    ['the middle', 'bytes=3000000-3000009', 3_000_000, 3_000_009],
    ['the rest', 'bytes=2000000-', 2_000_000, size - 1],
    ['the end', 'bytes=-5', size - 5, size - 1],
    ['all', 'bytes=0-', 0, size - 1],
  ])('%s comes with the whole when the upstream is fast', async (_, range, first, last) => {
    const world = settle()
    const answer = world.mirror.get(path, { range })
    await send(world, 100_000)
    expectPart(await answer, first, last)
    await world.mirror.settle()
    expect(world.takeLines()).toEqual(['GET app'])
    expect(await world.store.stat(blob.digest)).toEqual({ size })
  })

  test('far away comes by a request of its own when the upstream is slow', async () => {
    const world = settle()
    const asked = world.mirror.get(path, { range: 'bytes=5000000-5000099' })
    await until(() => world.downloads.length > 0, 'the download begins')
    world.downloads[0]!.push(pieces[0]!)
    await world.mirror.clock.advance(150)
    const answer = await asked
    expectPart(answer, 5_000_000, 5_000_099)
    expect(answer.headers.get('cache-status')).toBe('pullway; fwd=partial')
    // The whole comes into the store all the same.
    for (const piece of pieces.slice(1)) world.downloads[0]!.push(piece)
    world.downloads[0]!.end()
    await world.mirror.settle()
    expect(await world.store.stat(blob.digest)).toEqual({ size })
    expect(world.takeLines()).toEqual(['GET app', 'GET app bytes=5000000-5000099'])
  })

  test('far away on a slow upstream keeps no client waiting, also not one that comes at once', async () => {
    const world = settle()
    const first = world.mirror.get(path, { range: 'bytes=5000000-5000099' })
    await until(() => world.downloads.length > 0, 'the download begins')
    const second = world.mirror.get(path, { range: 'bytes=6000000-6000099' })
    await turns(5)
    world.downloads[0]!.push(pieces[0]!)
    await world.mirror.clock.advance(150)
    expectPart(await first, 5_000_000, 5_000_099)
    // A fill at 64 KiB in 150 ms is there after 14 s.
    await world.mirror.clock.advance(1_000)
    const isLate = await isPending(second)
    for (const piece of pieces.slice(1)) world.downloads[0]!.push(piece)
    world.downloads[0]!.end()
    expectPart(await second, 6_000_000, 6_000_099)
    expect(isLate).toBe(false)
    await world.mirror.settle()
  })

  test('nearby follows the whole however slow the upstream is', async () => {
    const world = settle()
    const asked = world.mirror.get(path, { range: 'bytes=1000000-1000099' })
    await send(world, 10)
    expectPart(await asked, 1_000_000, 1_000_099)
    expect(world.takeLines()).toEqual(['GET app'])
  })

  test('far away follows the whole when the request of its own is refused', async () => {
    const world = settle({ ranges: 'refuse' })
    const asked = world.mirror.get(path, { range: 'bytes=5000000-5000099' })
    await send(world, 100)
    expectPart(await asked, 5_000_000, 5_000_099)
    expect(world.takeLines()).toEqual(['GET app', 'GET app bytes=5000000-5000099'])
  })

  const isFar = (headers: Headers): boolean => headers.get('range') === 'bytes=5000000-5000099'

  test.each([
    ['the whole', () => new Response(blob.bytes, { headers: { 'content-length': String(size) } })],
    [
      'the whole in pieces',
      () =>
        new Response(new Blob([blob.bytes]).stream(), {
          headers: { 'content-length': String(size) },
        }),
    ],
    ['more than was asked', () => partOf(blob.bytes, 5_000_000, 5_100_000)],
    ['the open rest', () => partOf(blob.bytes, 5_000_000, size - 1)],
  ])('far away, answered with %s, has the bytes that were asked for', async (_, answer) => {
    const world = settle({ answer: ({ headers }) => (isFar(headers) ? answer() : undefined) })
    const asked = world.mirror.get(path, { range: 'bytes=5000000-5000099' })
    await send(world, 100)
    expectPart(await world.mirror.drive(asked), 5_000_000, 5_000_099)
    await world.mirror.settle()
  })

  test('far away, answered with less than was asked, asks for the rest', async () => {
    const world = settle({
      answer: ({ headers }) =>
        isFar(headers) ? partOf(blob.bytes, 5_000_000, 5_000_049) : undefined,
    })
    const asked = world.mirror.get(path, { range: 'bytes=5000000-5000099' })
    await send(world, 100)
    expectPart(await world.mirror.drive(asked), 5_000_000, 5_000_099)
    expect(world.takeLines()[2]).toBe('GET app bytes=5000050-5000099')
  })

  test('behind its end is 416, and the blob is kept', async () => {
    const world = settle()
    const answer = await world.mirror.get(path, { range: `bytes=${size}-` })
    expect([answer.status, answer.headers.get('content-range')]).toEqual([416, `bytes */${size}`])
    await send(world, 100_000)
    await world.mirror.settle()
    expect(world.takeLines()).toEqual(['GET app'])
  })

  test('of unknown size is no whole', async () => {
    const world = settle({ tellsLength: false })
    const asked = world.mirror.get(path, { range: 'bytes=100-199' })
    await send(world, 100_000)
    const answer = await asked
    expect(answer.status).toBe(206)
    expect(isSame(answer.bytes, blob.bytes.slice(100, 200))).toBe(true)
    await world.mirror.settle()
  })

  test('with an If-Range that does not match is the whole', async () => {
    const world = settle()
    const asked = world.mirror.get(path, { range: 'bytes=100-199', 'if-range': '"other"' })
    await send(world, 100_000)
    const answer = await asked
    expect([answer.status, answer.bytes.byteLength]).toEqual([200, size])
  })
})

describe('a part of a blob that is coming', () => {
  test('follows, wherever it is', async () => {
    const world = settle()
    const whole = world.mirror.get(path)
    await until(() => world.downloads.length > 0, 'the download begins')
    for (const piece of pieces.slice(0, 16)) {
      world.downloads[0]!.push(piece)
      await world.mirror.clock.advance(1)
    }
    const parts = [
      world.mirror.get(path, { range: 'bytes=0-9' }),
      world.mirror.get(path, { range: 'bytes=1000000-1100000' }),
      world.mirror.get(path, { range: 'bytes=-100' }),
    ]
    await turns(5)
    for (const piece of pieces.slice(16)) world.downloads[0]!.push(piece)
    world.downloads[0]!.end()
    const [first, second, last] = await Promise.all(parts)
    expectPart(first!, 0, 9)
    expectPart(second!, 1_000_000, 1_100_000)
    expectPart(last!, size - 100, size - 1)
    expect(isSame((await whole).bytes, blob.bytes)).toBe(true)
    expect(world.takeLines()).toEqual(['GET app'])
  })

  test('follows also before its first byte has come', async () => {
    const world = settle()
    const whole = world.mirror.get(path)
    await until(() => world.downloads.length > 0, 'the download begins')
    await turns(5)
    const part = world.mirror.get(path, { range: 'bytes=3000000-3000099' })
    await turns(5)
    await send(world, 100_000)
    expectPart(await part, 3_000_000, 3_000_099)
    expect(isSame((await whole).bytes, blob.bytes)).toBe(true)
    expect(world.takeLines()).toEqual(['GET app'])
  })

  test('takes a request of its own when it would wait for more than 10 s', async () => {
    const world = settle()
    const whole = await world.mirror.fetch(path)
    world.downloads[0]!.push(pieces[0]!)
    await world.mirror.clock.advance(1_000)
    const part = await world.mirror.get(path, { range: 'bytes=5000000-5000099' })
    expectPart(part, 5_000_000, 5_000_099)
    for (const piece of pieces.slice(1)) world.downloads[0]!.push(piece)
    world.downloads[0]!.end()
    expect(isSame((await readToEnd(whole.body)).bytes, blob.bytes)).toBe(true)
    expect(world.takeLines()).toEqual(['GET app', 'GET app bytes=5000000-5000099'])
  })

  test('is let go upstream when its client leaves', async () => {
    let isCancelled = false
    const endless = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: (controller) => controller.enqueue(makeBytes(1_000)),
      cancel: () => void (isCancelled = true),
    })
    const world = settle({
      answer: ({ headers }) =>
        headers.has('range')
          ? new Response(endless, {
              status: 206,
              headers: { 'content-range': `bytes 5000000-${size - 1}/${size}` },
            })
          : undefined,
    })
    const asked = world.mirror.fetch(path, { headers: { range: 'bytes=5000000-' } })
    await until(() => world.downloads.length > 0, 'the download begins')
    world.downloads[0]!.push(pieces[0]!)
    await world.mirror.clock.advance(150)
    const { body } = await asked
    await body!.cancel()
    await turns(3)
    expect(isCancelled).toBe(true)
    for (const piece of pieces.slice(1)) world.downloads[0]!.push(piece)
    world.downloads[0]!.end()
    await world.mirror.settle()
  })
})
