import type { BlobStore, BlobWrite, Digest } from '@pullway/core'
import { describe, expect, test } from 'vitest'
import { type Bytes, digestOf, inPieces, isSame, makeBytes, readContent } from './content.ts'

export interface BlobStoreUnderTest {
  readonly store: BlobStore
  /** Whatever the store holds beside whole blobs. */
  readonly leftovers: () => Promise<readonly string[]>
}

const kib = 1024
const mib = 1024 * kib

/** What every BlobStore does. Made anew for each test, with room for 40 MiB. */
export function describeBlobStore(
  name: string,
  make: () => Promise<BlobStoreUnderTest>,
  /** Whether it gives back what is half written, or leaves `read` out. */
  { readsBack }: { readonly readsBack: boolean } = { readsBack: true },
): void {
  describe(`${name} as a BlobStore`, () => {
    describe('keeps what is committed', () => {
      const sizes = [0, 1, 64 * kib - 1, 64 * kib, 64 * kib + 1, 300 * kib, 8 * mib]
      const cases = sizes.flatMap((size) => [
        { size, announced: true },
        { size, announced: false },
      ])

      test.each(cases)('$size bytes, announced: $announced', async ({ size, announced }) => {
        const { store, leftovers } = await make()
        const bytes = makeBytes(size)
        const digest = digestOf(bytes)

        const write = await store.write(digest, announced ? size : undefined)
        for (const piece of inPieces(bytes, 100_003)) await write.append([piece])
        await write.commit()
        await write.release()

        expect(await store.stat(digest)).toEqual({ size })
        const blob = await store.open(digest)
        expect(blob?.size).toBe(size)
        expect(isSame(await readContent(blob!), bytes)).toBe(true)
        expect(await leftovers()).toEqual([])
      })

      test('under both algorithms', async () => {
        const { store } = await make()
        const bytes = makeBytes(100)
        for (const algorithm of ['sha256', 'sha512'] as const) {
          const digest = digestOf(bytes, algorithm)
          await put(store, digest, bytes)
          expect(await read(store, digest)).toEqual(bytes)
        }
      })

      test('in many and empty pieces', async () => {
        const { store } = await make()
        const bytes = makeBytes(5000)
        const digest = digestOf(bytes)
        const write = await store.write(digest)
        await write.append([])
        await write.append([new Uint8Array(0)])
        await write.append([new Uint8Array(0), ...inPieces(bytes, 2), new Uint8Array(0)])
        await write.commit()
        await write.release()
        expect(await read(store, digest)).toEqual(bytes)
      })

      test('in order, without waiting for each piece', async () => {
        const { store } = await make()
        const bytes = makeBytes(2 * mib)
        const digest = digestOf(bytes)
        const write = await store.write(digest, bytes.byteLength)
        await Promise.all(inPieces(bytes, 10_007).map((piece) => write.append([piece])))
        await write.commit()
        await write.release()
        expect(isSame(await read(store, digest), bytes)).toBe(true)
      })
    })

    describe('knows nothing of', () => {
      const digest = digestOf(makeBytes(10))

      test('a blob that never came', async () => {
        const { store } = await make()
        expect(await store.stat(digest)).toBeUndefined()
        expect(await store.open(digest)).toBeUndefined()
        expect(await store.open(digest, { first: 0, last: 0 })).toBeUndefined()
        await store.remove(digest)
      })

      test('a blob that was removed', async () => {
        const { store } = await make()
        await put(store, digest, makeBytes(10))
        expect(await read(store, digest)).toEqual(makeBytes(10))
        await store.remove(digest)
        expect(await store.stat(digest)).toBeUndefined()
        expect(await store.open(digest)).toBeUndefined()
      })

      test('a blob that is half written', async () => {
        const { store } = await make()
        const write = await store.write(digest, 10)
        await write.append([makeBytes(10).subarray(0, 9)])
        expect(await store.stat(digest)).toBeUndefined()
        expect(await store.open(digest)).toBeUndefined()
        await write.release()
      })

      test('a blob that was written whole and not committed', async () => {
        const { store, leftovers } = await make()
        const write = await store.write(digest, 10)
        await write.append([makeBytes(10)])
        await write.release()
        await write.release()
        expect(await store.stat(digest)).toBeUndefined()
        expect(await store.open(digest)).toBeUndefined()
        expect(await leftovers()).toEqual([])

        await put(store, digest, makeBytes(10))
        expect(await read(store, digest)).toEqual(makeBytes(10))
      })

      test.each([
        { case: 'fewer', bytes: makeBytes(10), announced: 11 },
        { case: 'more', bytes: makeBytes(10), announced: 9 },
        { case: 'none', bytes: makeBytes(0), announced: 1 },
      ])('a write of $case bytes than announced', async ({ bytes, announced }) => {
        const { store, leftovers } = await make()
        const write = await store.write(digest, announced)
        await expect(write.append([bytes]).then(() => write.commit())).rejects.toThrow()
        await write.release()
        expect(await store.stat(digest)).toBeUndefined()
        expect(await leftovers()).toEqual([])
      })
    })

    if (readsBack) describeReadBack(make)
    else {
      test('leaves out what it cannot give back', async () => {
        const { store } = await make()
        const write = await store.write(digestOf(makeBytes(1)))
        expect('read' in write).toBe(false)
        await write.release()
      })
    }

    describe('two writes of one digest', () => {
      const bytes = makeBytes(200 * kib)
      const digest = digestOf(bytes)

      test('both commit', async () => {
        const { store, leftovers } = await make()
        const writes = await Promise.all([store.write(digest), store.write(digest, 200 * kib)])
        for (const piece of inPieces(bytes, 50_000)) {
          await Promise.all(writes.map((write) => write.append([piece])))
        }
        await Promise.all(writes.map((write) => write.commit()))
        await Promise.all(writes.map((write) => write.release()))
        expect(isSame(await read(store, digest), bytes)).toBe(true)
        expect(await leftovers()).toEqual([])
      })

      test('one is given up after the other has committed', async () => {
        const { store, leftovers } = await make()
        const [one, other] = await Promise.all([store.write(digest), store.write(digest)])
        await other.append([makeBytes(5, 99)])
        await one.append([bytes])
        await one.commit()
        await one.release()
        await other.release()
        expect(isSame(await read(store, digest), bytes)).toBe(true)
        expect(await leftovers()).toEqual([])
      })
    })

    describe('gives a range', () => {
      test.each([
        { size: 10, first: 0, last: 0 },
        { size: 10, first: 9, last: 9 },
        { size: 10, first: 2, last: 7 },
        { size: 10, first: 0, last: 9 },
        { size: 3 * mib, first: 0, last: 0 },
        { size: 3 * mib, first: 3 * mib - 1, last: 3 * mib - 1 },
        { size: 3 * mib, first: 1, last: 3 * mib - 2 },
        { size: 3 * mib, first: 262_143, last: 262_144 },
        { size: 3 * mib, first: mib, last: 2 * mib + 16 },
        { size: 3 * mib, first: 0, last: 3 * mib - 1 },
      ])('$first-$last of $size', async ({ size, first, last }) => {
        const { store } = await make()
        const bytes = makeBytes(size)
        const digest = digestOf(bytes)
        await put(store, digest, bytes)
        for (const opening of ['cold', 'warm']) {
          const blob = await store.open(digest, { first, last })
          expect(blob?.size, opening).toBe(size)
          const part = await readContent(blob!)
          expect(isSame(part, bytes.subarray(first, last + 1)), opening).toBe(true)
          await read(store, digest)
        }
      })

      test.each([
        { size: 10, first: 0, last: 10 },
        { size: 10, first: 10, last: 20 },
        { size: 0, first: 0, last: 0 },
      ])('but not $first-$last of $size', async ({ size, first, last }) => {
        const { store } = await make()
        const bytes = makeBytes(size)
        await put(store, digestOf(bytes), bytes)
        await expect(store.open(digestOf(bytes), { first, last })).rejects.toThrow(RangeError)
      })
    })

    describe('goes on giving content that was opened', () => {
      const bytes = makeBytes(8 * mib)
      const digest = digestOf(bytes)

      test('when it is removed meanwhile', async () => {
        const { store } = await make()
        await put(store, digest, bytes)
        const blob = await store.open(digest)
        await store.remove(digest)
        expect(isSame(await readContent(blob!), bytes)).toBe(true)
        expect(await store.stat(digest)).toBeUndefined()
      })

      test('when it is written again meanwhile', async () => {
        const { store } = await make()
        await put(store, digest, bytes)
        const blob = await store.open(digest)
        await put(store, digest, bytes)
        expect(isSame(await readContent(blob!), bytes)).toBe(true)
      })

      test('to many readers at once, of whom some leave', async () => {
        const { store } = await make()
        await put(store, digest, bytes)
        const reads = Array.from({ length: 8 }, async (_, index) => {
          const blob = await store.open(digest)
          if (index % 2 === 0) return isSame(await readContent(blob!), bytes)
          if (!(blob!.content instanceof ReadableStream)) return true
          const reader = blob!.content.getReader()
          const { value } = await reader.read()
          await reader.cancel()
          return isSame(value!, bytes.subarray(0, value!.byteLength))
        })
        expect(await Promise.all(reads)).toEqual(reads.map(() => true))
      })
    })
  })
}

function describeReadBack(make: () => Promise<BlobStoreUnderTest>): void {
  describe('gives back what is being written', () => {
    test('at any position, at most what was asked for, before and after the commit', async () => {
      const { store } = await make()
      const bytes = makeBytes(300 * kib)
      const digest = digestOf(bytes)
      const write = await store.write(digest)
      await write.append([bytes.subarray(0, 200 * kib)])

      for (const [position, length] of [
        [0, 1],
        [0, 200 * kib],
        [100_000, 50_000],
        [200 * kib - 1, 10],
        [0, mib],
      ] as const) {
        const part = await readBack(write, position, length)
        expect(part.byteLength).toBeGreaterThan(0)
        expect(part.byteLength).toBeLessThanOrEqual(length)
        expect(isSame(part, bytes.subarray(position, position + part.byteLength))).toBe(true)
      }
      await expect(readBack(write, 200 * kib, 1)).rejects.toThrow()

      await write.append([bytes.subarray(200 * kib)])
      await write.commit()
      expect(await readBack(write, 300 * kib - 1, 1)).toEqual(bytes.subarray(300 * kib - 1))
      await write.release()
    })

    test('to several followers at their own pace, unchanged by what comes later', async () => {
      const { store } = await make()
      const bytes = makeBytes(2 * mib)
      const write = await store.write(digestOf(bytes))
      const pieces = inPieces(bytes, 150_001)
      const followers = [3, 70_000, mib].map((length) => ({ length, got: [] as Bytes[], at: 0 }))

      let written = 0
      for (const piece of pieces) {
        await write.append([piece])
        written += piece.byteLength
        for (const follower of followers) {
          if (follower.at >= written) continue
          const part = await readBack(write, follower.at, follower.length)
          follower.got.push(part)
          follower.at += part.byteLength
        }
      }
      await write.commit()
      await write.release()

      for (const { got, at } of followers) {
        expect(at).toBeGreaterThan(0)
        expect(isSame(Buffer.concat(got), bytes.subarray(0, at))).toBe(true)
      }
    })
  })
}

export async function put(store: BlobStore, digest: Digest, bytes: Bytes): Promise<void> {
  const write = await store.write(digest, bytes.byteLength)
  await write.append([bytes])
  await write.commit()
  await write.release()
}

export async function read(store: BlobStore, digest: Digest): Promise<Bytes> {
  const blob = await store.open(digest)
  if (blob === undefined) throw new Error(`${digest} is absent`)
  return readContent(blob)
}

/** Fails the test where a store should be able to read back and is not. */
async function readBack(write: BlobWrite, position: number, length: number): Promise<Bytes> {
  if (write.read === undefined) throw new Error('This store cannot read back')
  return write.read(position, length)
}
