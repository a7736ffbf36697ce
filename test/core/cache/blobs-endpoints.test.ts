import { expect, test } from 'vitest'
import { parseByteRange, resolveByteRange } from '../../../core/src/request/byte-range.ts'
import { type Bytes, inPieces, isSame, makeBytes } from '../../contract/content.ts'
import { type BlobWorld, createBlobWorld, partOf } from '../support/blob-world.ts'
import type { StoreFault } from '../support/faulty-store.ts'
import { contentOf } from '../support/images.ts'
import { readSome, readToEnd } from '../support/reading.ts'
import { turns } from '../support/turns.ts'

const blob = contentOf(makeBytes(4 * 2 ** 20))
const size = blob.bytes.byteLength
const path = `/v2/app/blobs/${blob.digest}`
const pieces = inPieces(blob.bytes, 64 * 1024)
const config =
  'upstreams: { registry.test: { default: true, endpoints: [{ url: https://a.test }, { url: https://b.test }] } }'

const withWrong = (position: number): Bytes =>
  Uint8Array.from(blob.bytes, (byte, index) => (index === position ? byte ^ 1 : byte))

/** The endpoint a.test has the download that the test gives, and then nothing; b.test has some bytes. */
function settle(others: Bytes): BlobWorld {
  let downloads = 0
  return createBlobWorld({
    contents: [blob],
    isControlled: true,
    config,
    answer({ url, headers }) {
      if (url.hostname === 'a.test') {
        downloads += 1
        return downloads === 1 ? undefined : new Response('', { status: 503 })
      }
      const asked = parseByteRange(headers.get('range'))
      const range = asked && resolveByteRange(asked, size)
      return range ? partOf(others, range.first, range.last) : new Response(others)
    },
  })
}

interface Pulled {
  readonly fast: Awaited<ReturnType<typeof readToEnd>>
  readonly slow: Awaited<ReturnType<typeof readToEnd>>
}

/** One client that reads what comes, and one that has read a little when the other has all. */
async function pullTwice(world: BlobWorld, readFirst: number): Promise<Pulled> {
  const quick = await world.mirror.fetch(path)
  const paused = await world.mirror.fetch(path)
  const before = readSome(paused.body!, readFirst)
  const reading = readToEnd(quick.body)
  for (const piece of pieces) {
    world.downloads[0]!.push(piece)
    await turns(4)
  }
  world.downloads[0]!.end()
  const fast = await reading
  return { fast, slow: await readToEnd(paused.body, [await before]) }
}

const failures: Readonly<Record<string, readonly (readonly [StoreFault, number])[]>> = {
  'is full from the start': [['append', 1]],
  'is full in the middle': [['append', 20]],
  'is full in the middle, and cannot be read any more': [
    ['append', 20],
    ['read', 1],
  ],
  'cannot be begun': [['write', 1]],
  'gives nothing back': [
    ['read', 1],
    ['open', 1],
  ],
}
const contents: Readonly<Record<string, readonly [Bytes, boolean]>> = {
  'the same bytes': [blob.bytes, true],
  'a wrong byte in the middle': [withWrong(size / 2), false],
  'a wrong last byte': [withWrong(size - 1), false],
}

test.each(
  Object.entries(failures).flatMap(([failure, faults]) =>
    Object.entries(contents).flatMap(([content, [bytes, isRight]]) =>
      [1, 200_000].map((position) => ({ failure, content, faults, bytes, isRight, position })),
    ),
  ),
)(
  'a store that $failure, and $content at another endpoint, for a client behind at $position',
  async ({ faults, bytes, isRight, position }) => {
    const world = settle(bytes)
    for (const [fault, nth] of faults) world.store.fail(fault, nth)
    const { fast, slow } = await pullTwice(world, position)
    expect(fast.broken).toBeUndefined()
    expect(isSame(fast.bytes, blob.bytes)).toBe(true)
    expect(world.calls.some(({ url }) => url.hostname === 'b.test')).toBe(true)
    if (isRight) {
      expect(slow.broken).toBeUndefined()
      expect(isSame(slow.bytes, blob.bytes)).toBe(true)
    } else {
      // Not one byte too many: what is cut short no client takes for whole.
      expect(slow.broken).toBeDefined()
      expect(slow.bytes.byteLength).toBeLessThan(size)
      expect(await world.metric('digest_mismatches_total')).toBe(1)
      expect(await world.metric('upstream_endpoint_up{upstream="registry.test",endpoint="b')).toBe(
        0,
      )
    }
    await world.mirror.settle()
  },
)
