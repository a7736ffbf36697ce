import {
  type BlobStore,
  type ByteRange,
  DamagedBlobError,
  type Digest,
  type GoOn,
  type StoredBlob,
} from '@pullway/core'
import { createMemoryBlobStore } from '@pullway/memory'
import { describe, expect, test } from 'vitest'
import { createTestMirror, type TestMirror } from '../fakes/mirror.ts'
import { buildImage, createFakeRegistry, type FakeRegistry } from '../fakes/registry/index.ts'

const image = buildImage({ seed: 63, layerBytes: 2_000_000 })
const layer = image.blobs[1]!
const size = layer.bytes.length
const root = '/v2/registry.test/owner/name'
const path = `${root}/blobs/${layer.digest}`

/** How the store's content ends. */
type Break = 'throws' | 'is damaged' | 'ends' | 'falls silent' | 'is damaged, behind a file'

interface Breaking {
  readonly store: BlobStore
  /** From now on the layer breaks there, each time it is opened, or that often. */
  readonly breakAt: (position: number, how: Break, times?: number) => void
  readonly removed: string[]
  readonly opened: (ByteRange | undefined)[]
}

const chunkBytes = 65_536

function createBreakingStore(): Breaking {
  const inner = createMemoryBlobStore({ maxBytes: 2 ** 24 })
  const removed: string[] = []
  const opened: (ByteRange | undefined)[] = []
  let broken: { position: number; how: Break } | undefined
  let left = 0

  const store: BlobStore = {
    ...inner,
    async open(digest, range) {
      const blob = await inner.open(digest, range)
      if (digest !== layer.digest || !blob || !(blob.content instanceof Uint8Array)) return blob
      opened.push(range)
      if (!broken || left-- <= 0) return blob
      return breakContent(blob.size, blob.content, range?.first ?? 0, broken)
    },
    async remove(digest) {
      removed.push(digest)
      await inner.remove(digest)
    },
  }
  return {
    store,
    removed,
    opened,
    breakAt(position, how, times = Infinity) {
      broken = { position, how }
      left = times
    },
  }
}

function breakContent(
  whole: number,
  content: Uint8Array<ArrayBuffer>,
  first: number,
  { position, how }: { position: number; how: Break },
): StoredBlob {
  const good = content.subarray(0, Math.max(0, position - first))
  let at = 0
  let goOn: GoOn | undefined
  let rest: ReadableStreamDefaultReader<Uint8Array> | undefined
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        const chunk = good.subarray(at, at + chunkBytes)
        at += chunk.length
        if (chunk.length > 0) {
          controller.enqueue(chunk)
          return
        }
        if (how === 'ends' || good.length === content.length) {
          controller.close()
          return
        }
        if (how === 'falls silent') return new Promise<void>(() => undefined)
        const error = how === 'throws' ? new Error('reset') : new DamagedBlobError('short')
        if (!goOn) throw error
        rest ??= (await goOn(first + good.length, error)).getReader()
        const { value } = await rest.read()
        if (value) controller.enqueue(value as Uint8Array<ArrayBuffer>)
        else controller.close()
      },
    },
    { highWaterMark: 0 },
  )
  const isFile = how === 'is damaged, behind a file'
  return { size: whole, content: stream, ...(isFile && { whenBroken: (given) => (goOn = given) }) }
}

interface Story extends Breaking {
  readonly fake: FakeRegistry
  readonly mirror: TestMirror
}

/** A mirror that has the layer. */
async function settle(): Promise<Story> {
  const breaking = createBreakingStore()
  const fake = createFakeRegistry()
  fake.push('owner/name', 'latest', image)
  const mirror = createTestMirror({
    fetch: fake.fetch,
    blobs: breaking.store,
    config: 'upstreams: { registry.test: {} }',
  })
  for (const one of [`${root}/manifests/latest`, path]) {
    expect((await mirror.drive(mirror.get(one))).status).toBe(200)
  }
  await mirror.drive(mirror.settle())
  fake.takeLines()
  return { ...breaking, fake, mirror }
}

async function expectLayer({ mirror }: Story, range?: ByteRange): Promise<void> {
  const { first, last } = range ?? { first: 0, last: size - 1 }
  const headers = range ? { range: `bytes=${first}-${last}` } : {}
  const answer = await mirror.drive(mirror.get(path, headers))
  expect([answer.status, answer.broken]).toEqual([range ? 206 : 200, undefined])
  expect(Buffer.compare(answer.bytes, layer.bytes.subarray(first, last + 1))).toBe(0)
}

const blobGets = (lines: readonly string[]): readonly string[] =>
  lines.filter((line) => line.startsWith('GET') && line.includes('/blobs/'))

const breaks: readonly Break[] = [
  'throws',
  'is damaged',
  'ends',
  'falls silent',
  'is damaged, behind a file',
]
const ranges: readonly (ByteRange | undefined)[] = [
  undefined,
  { first: 0, last: size - 1 },
  { first: 500_000, last: 1_900_000 },
]

describe.each(breaks)('stored content that %s', (how) => {
  const rows = [0, 700_001, size - 1].flatMap((position) =>
    ranges.map((range) => ({ position, range })),
  )

  test.each(rows)('at $position, of $range: the answer is whole', async ({ position, range }) => {
    const story = await settle()
    const { breakAt, fake, mirror, removed } = story
    breakAt(position, how)
    await expectLayer(story, range)
    await mirror.drive(mirror.settle())
    const isMet = position <= (range?.last ?? size)
    expect(blobGets(fake.takeLines()).length > 0).toBe(isMet)
    const isDropped = how.startsWith('is damaged') && isMet
    expect(removed).toEqual(isDropped ? [layer.digest] : [])

    // It has been fetched into the store again within that request.
    breakAt(0, how, 0)
    await expectLayer(story)
    expect(blobGets(fake.takeLines())).toEqual([])
  })
})

test('a broken connection to the store is opened again first, where it brought something', async () => {
  const story = await settle()
  story.opened.length = 0
  story.breakAt(700_001, 'throws', 1)
  await expectLayer(story)
  expect(story.opened).toEqual([undefined, { first: 700_001, last: size - 1 }])
  expect(story.fake.takeLines()).toEqual([])
})

test('twenty clients whose stored content breaks cost one download', async () => {
  const story = await settle()
  story.breakAt(700_001, 'is damaged')
  await Promise.all(Array.from({ length: 20 }, () => expectLayer(story)))
  expect(blobGets(story.fake.takeLines())).toHaveLength(1)
})

test.each([1, 1_000_000])('stored content of %d bytes, which is not its size', async (bytes) => {
  const story = await settle()
  const { fake, mirror, store } = story
  await store.remove(layer.digest as Digest)
  const write = await store.write(layer.digest as Digest)
  await write.append([layer.bytes.subarray(0, bytes)])
  await write.commit()
  await write.release()
  const head = await mirror.drive(mirror.head(path))
  expect(head.headers.get('content-length')).toBe(String(size))
  await Promise.all(
    [undefined, ...ranges, undefined, undefined].map((range) => expectLayer(story, range)),
  )
  await mirror.drive(mirror.settle())
  fake.takeLines()
  await expectLayer(story)
  expect(fake.takeLines()).toEqual([])
})

test.each<Break>(['throws', 'is damaged'])('content that %s, and no upstream', async (how) => {
  const story = await settle()
  story.breakAt(700_001, how)
  story.fake.fail({}, { kind: 'no-answer', failure: 'unreachable' })
  const answer = await story.mirror.drive(story.mirror.get(path))
  expect(answer.broken).toBeDefined()
  expect(Buffer.compare(answer.bytes, layer.bytes.subarray(0, 700_001))).toBe(0)
})

test('the last byte does not come where the upstream goes on with other bytes', async () => {
  const story = await settle()
  const { fetch } = story.fake
  const other = createTestMirror({
    blobs: story.store,
    config: 'upstreams: { registry.test: {} }',
    async fetch(request, options) {
      const answer = await fetch(request, options)
      if (request.method !== 'GET' || !request.url.includes('/blobs/')) return answer
      const bytes = new Uint8Array(await answer.arrayBuffer())
      bytes[bytes.length - 5]! ^= 1
      return new Response(bytes, answer)
    },
  })
  await other.drive(other.get(`${root}/manifests/latest`))
  story.breakAt(700_001, 'is damaged')
  const answer = await other.drive(other.get(path))
  expect(answer.broken).toBeDefined()
  expect(answer.bytes.length).toBeLessThan(size)
  await other.drive(other.settle())
  expect(await story.store.stat(layer.digest as Digest)).toBeUndefined()
})

test('a client that leaves while its answer is mended leaves nothing behind', async () => {
  const { mirror, breakAt } = await settle()
  breakAt(700_001, 'throws')
  const response = await mirror.fetch(path)
  const reader = response.body!.getReader()
  for (let read = 0; read < 700_001;) read += (await reader.read()).value?.length ?? 0
  const reading = reader.read()
  await reader.cancel()
  await reading
  await mirror.drive(mirror.settle())
  expect(mirror.clock.sleepers).toBe(0)
})

test('a stored manifest that was cut short is fetched again, and replaced', async () => {
  const { mirror, fake, store } = await settle()
  const { digest, bytes } = image.root
  await store.remove(digest as Digest)
  const write = await store.write(digest as Digest)
  await write.append([bytes.subarray(0, 100)])
  await write.commit()
  await write.release()
  for (const line of [`GET registry.test/v2/owner/name/manifests/${digest}`, undefined]) {
    const answer = await mirror.drive(mirror.get(`${root}/manifests/${digest}`))
    expect(Buffer.compare(answer.bytes, bytes)).toBe(0)
    expect(fake.takeLines()).toEqual(line === undefined ? [] : [line])
  }
})
