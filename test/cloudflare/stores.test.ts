import { beforeAll, describe, expect, test, vi } from 'vitest'
import { createCacheBlobStore } from '../../adapters/cloudflare/src/cache-blob-store.ts'
import { systemClock } from '../../adapters/cloudflare/src/clock.ts'
import { createHasher } from '../../adapters/cloudflare/src/hasher.ts'
import { createConsoleLogger } from '../../adapters/cloudflare/src/logger.ts'
import { createR2BlobStore } from '../../adapters/cloudflare/src/r2-blob-store.ts'
import { describeBlobStore, read } from '../contract/blob-store.ts'
import { describeClock } from '../contract/clock.ts'
import { digestOf, makeBytes } from '../contract/content.ts'
import { describeHasher } from '../contract/hasher.ts'
import { describeLogger } from '../contract/logger.ts'
import { createFakeBucket, createFakeCache, DigestStream, FixedLengthStream } from './fakes.ts'

const mebibyte = 1024 * 1024
const maxWriteBytes = 40 * mebibyte

beforeAll(() => {
  vi.stubGlobal('FixedLengthStream', FixedLengthStream)
  vi.stubGlobal('crypto', { DigestStream })
})

describeHasher('the Worker’s', createHasher)

describeClock('the Worker’s', () => ({
  clock: systemClock,
  pass: (milliseconds) => systemClock.sleep(milliseconds),
}))

describeLogger('the Worker’s console', () => {
  const log: string[] = []
  const access: string[] = []
  const logger = createConsoleLogger({
    level: 'info',
    write: (_, line) => (line.startsWith('{"level"') ? log : access).push(line),
  })
  return { logger, lines: async () => ({ log, access }) }
})

describeBlobStore('R2', async () => ({
  store: createR2BlobStore({ bucket: createFakeBucket(), maxWriteBytes }),
  leftovers: async () => [],
}))

describeBlobStore('the Cache API', async () => ({
  store: createCacheBlobStore({ cache: createFakeCache(), maxWriteBytes }),
  leftovers: async () => [],
}))

test.each([
  ['R2', () => createR2BlobStore({ bucket: createFakeBucket() })],
  ['the Cache API', () => createCacheBlobStore({ cache: createFakeCache() })],
])('%s takes no write that does not fit into memory', async (_, make) => {
  const store = make()
  const digest = digestOf(makeBytes(10))
  await expect(store.write(digest, 4 * mebibyte + 1)).rejects.toThrow('More than')
  const write = await store.write(digest)
  await expect(write.append([makeBytes(4 * mebibyte), makeBytes(1)])).rejects.toThrow('More than')
})

describe('R2 takes in a body', () => {
  const bytes = makeBytes(300_000)
  const stream = (content = bytes): ReadableStream<Uint8Array> => new Blob([content]).stream()

  test.each(['sha256', 'sha512'] as const)('under its %s', async (algorithm) => {
    const bucket = createFakeBucket()
    const store = createR2BlobStore({ bucket })
    const digest = digestOf(bytes, algorithm)
    await store.ingest(digest, stream(), bytes.byteLength)
    expect(await read(store, digest)).toEqual(bytes)
    const hex = digest.slice(algorithm.length + 1)
    expect([...bucket.objects.keys()]).toEqual([`blobs/${algorithm}/${hex.slice(0, 2)}/${hex}`])
  })

  test.each([
    { what: 'of another digest', content: makeBytes(300_000, 7), size: 300_000 },
    { what: 'that is cut', content: bytes.slice(0, 299_999), size: 300_000 },
    { what: 'that goes on', content: makeBytes(300_001), size: 300_000 },
  ])('but none $what', async ({ content, size }) => {
    const bucket = createFakeBucket()
    const store = createR2BlobStore({ bucket })
    await expect(store.ingest(digestOf(bytes), stream(content), size)).rejects.toThrow()
    expect(bucket.objects.size).toBe(0)
  })

  test('but none that R2 could not check, and lets go of it', async () => {
    let isCancelled = false
    const body = new ReadableStream<Uint8Array>({ cancel: () => void (isCancelled = true) })
    const store = createR2BlobStore({ bucket: createFakeBucket() })
    await expect(store.ingest(digestOf(bytes), body, 5 * 1024 ** 3)).rejects.toThrow('one put')
    expect(isCancelled).toBe(true)
  })
})

describe('R2 takes in a body by parts', () => {
  const bytes = makeBytes(300_000)
  const stream = (content = bytes): ReadableStream<Uint8Array> => new Blob([content]).stream()
  const make = (partBytes = 64_000) => {
    const bucket = createFakeBucket()
    return { bucket, store: createR2BlobStore({ bucket, partsAboveBytes: 1_000, partBytes }) }
  }

  test.each(['sha256', 'sha512'] as const)('under its %s', async (algorithm) => {
    const { bucket, store } = make()
    const digest = digestOf(bytes, algorithm)
    await store.ingest(digest, stream(), bytes.byteLength)
    expect(await read(store, digest)).toEqual(bytes)
    expect(bucket.unfinished.size).toBe(0)
  })

  test.each([1, 299_999, 300_000, 300_001, 100_000])('of %i bytes each', async (partBytes) => {
    const content = bytes.subarray(0, partBytes === 1 ? 1_001 : undefined)
    const { store } = make(partBytes)
    const digest = digestOf(content)
    await store.ingest(digest, stream(content), content.byteLength)
    expect(await read(store, digest)).toEqual(content)
  })

  test('whatever pieces it comes in', async () => {
    const { store } = make()
    const pieces = [1, 100, 70_000, 130_000, 299_000, 300_000]
    const body = new ReadableStream<Uint8Array>({
      type: 'bytes',
      start(controller) {
        for (const [place, end] of pieces.entries()) {
          controller.enqueue(bytes.slice(pieces[place - 1] ?? 0, end))
        }
        controller.close()
      },
    })
    await store.ingest(digestOf(bytes), body, bytes.byteLength)
    expect(await read(store, digestOf(bytes))).toEqual(bytes)
  })

  test.each([
    { what: 'of another digest', content: makeBytes(300_000, 7), size: 300_000 },
    { what: 'that is cut', content: bytes.slice(0, 299_999), size: 300_000 },
    { what: 'that goes on', content: makeBytes(300_001), size: 300_000 },
    { what: 'that is empty', content: makeBytes(0), size: 300_000 },
  ])('but none $what', async ({ content, size }) => {
    const { bucket, store } = make()
    await expect(store.ingest(digestOf(bytes), stream(content), size)).rejects.toThrow()
    expect([bucket.objects.size, bucket.unfinished.size]).toEqual([0, 0])
  })

  test('but none that breaks off, and lets go of one that R2 does not want', async () => {
    const { bucket, store } = make()
    let isCancelled = false
    const broken = new ReadableStream<Uint8Array>({
      type: 'bytes',
      pull: (controller) => controller.error(new Error('cut')),
    })
    await expect(store.ingest(digestOf(bytes), broken, 300_000)).rejects.toThrow('cut')
    const endless = new ReadableStream<Uint8Array>({
      type: 'bytes',
      pull: (controller) => controller.enqueue(makeBytes(100_000)),
      cancel: () => void (isCancelled = true),
    })
    await expect(store.ingest(digestOf(bytes), endless, 300_000)).rejects.toThrow('announced')
    expect([isCancelled, bucket.objects.size, bucket.unfinished.size]).toEqual([true, 0, 0])
  })

  test('up to where it takes them whole', async () => {
    const { bucket, store } = make()
    const few = makeBytes(1_000)
    const parts = vi.spyOn(bucket, 'createMultipartUpload')
    await store.ingest(digestOf(few), stream(few), 1_000)
    expect(parts).not.toHaveBeenCalled()
    expect(await read(store, digestOf(few))).toEqual(few)
  })
})
