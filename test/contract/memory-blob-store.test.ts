import type { BlobStore, StoredBlob } from '@pullway/core'
import { createMemoryBlobStore, withMemory } from '@pullway/memory'
import { describe, expect, test } from 'vitest'
import { put, read } from './blob-store.ts'
import { digestOf, makeBytes } from './content.ts'

const blobs = Array.from({ length: 6 }, (_, index) => {
  const bytes = makeBytes(1000, index + 1)
  return { bytes, digest: digestOf(bytes) }
})
const [first, second, third, fourth] = blobs as [Blob, Blob, Blob, Blob]
type Blob = (typeof blobs)[number]

describe('the store in memory', () => {
  test('lets the least recently used blob go when it is full', async () => {
    const store = createMemoryBlobStore({ maxBytes: 3000 })
    for (const { digest, bytes } of [first, second, third]) await put(store, digest, bytes)
    await read(store, first.digest)
    // Asking for the size is no use of the content.
    await store.stat(second.digest)
    await put(store, fourth.digest, fourth.bytes)
    expect(await store.stat(second.digest)).toBeUndefined()
    for (const { digest } of [first, third, fourth]) {
      expect(await store.stat(digest)).toEqual({ size: 1000 })
    }
  })

  test('refuses at once what cannot fit', async () => {
    const store = createMemoryBlobStore({ maxBytes: 999 })
    await expect(store.write(first.digest, 1000)).rejects.toThrow('no room')
    await expect(store.write(first.digest, Number.MAX_SAFE_INTEGER)).rejects.toThrow('no room')
  })

  test('refuses what grows beyond the room', async () => {
    const store = createMemoryBlobStore({ maxBytes: 2500 })
    const write = await store.write(first.digest)
    await write.append([makeBytes(2500)])
    await expect(write.append([makeBytes(1)])).rejects.toThrow('no room')
    await write.release()
  })

  test('holds no more in unfinished writes than it may store', async () => {
    const store = createMemoryBlobStore({ maxBytes: 2500 })
    const one = await store.write(first.digest, 1000)
    const other = await store.write(second.digest, 1000)
    await expect(store.write(third.digest, 1000)).rejects.toThrow('no room')
    await one.release()
    await one.release()
    await (await store.write(third.digest, 1000)).release()
    await other.release()
  })
})

/** Counts what reaches the slower store. */
function counted(inner: BlobStore): { store: BlobStore; opened: () => number } {
  let opened = 0
  const open: BlobStore['open'] = (digest, range) => {
    opened += 1
    return inner.open(digest, range)
  }
  return { store: { ...inner, open }, opened: () => opened }
}

/** As a store on a disk answers. */
function streamed(inner: BlobStore, lastByte = Infinity): BlobStore {
  return {
    ...inner,
    async open(digest, range) {
      const blob = await inner.open(digest, range)
      if (blob === undefined) return undefined
      const bytes = blob.content as Uint8Array<ArrayBuffer>
      const content: StoredBlob['content'] = new ReadableStream({
        start(controller) {
          controller.enqueue(bytes.slice(0, 10))
          controller.enqueue(bytes.slice(10, lastByte))
          controller.close()
        },
      })
      return { size: blob.size, content }
    },
  }
}

describe('memory in front of a slower store', () => {
  const options = { maxBytes: 10_000, maxBlobBytes: 1000 }

  test('reads a small blob once, and gives bytes', async () => {
    const { store: inner, opened } = counted(streamed(createMemoryBlobStore({ maxBytes: 10_000 })))
    const store = withMemory(inner, options)
    await put(store, first.digest, first.bytes)
    for (let time = 0; time < 3; time += 1) {
      const blob = await store.open(first.digest)
      expect(blob).toEqual({ size: 1000, content: first.bytes })
    }
    expect(opened()).toBe(1)
    expect(await store.stat(first.digest)).toEqual({ size: 1000 })
  })

  test('copies nothing, ranges included', async () => {
    const store = withMemory(createMemoryBlobStore({ maxBytes: 10_000 }), options)
    await put(store, first.digest, first.bytes)
    const whole = (await store.open(first.digest))?.content as Uint8Array
    const again = (await store.open(first.digest))?.content
    const part = (await store.open(first.digest, { first: 5, last: 9 }))?.content as Uint8Array
    expect(again).toBe(whole)
    expect(part.buffer).toBe(whole.buffer)
    expect(part).toEqual(first.bytes.subarray(5, 10))
  })

  test('leaves larger blobs and parts to the store', async () => {
    const { store: inner, opened } = counted(createMemoryBlobStore({ maxBytes: 10_000 }))
    const store = withMemory(inner, { ...options, maxBlobBytes: 999 })
    await put(store, first.digest, first.bytes)
    await read(store, first.digest)
    await read(store, first.digest)
    expect(opened()).toBe(2)
    const small = makeBytes(10)
    await put(store, digestOf(small), small)
    await store.open(digestOf(small), { first: 0, last: 4 })
    await store.open(digestOf(small), { first: 0, last: 4 })
    expect(opened()).toBe(4)
  })

  test('forgets what is removed, also while it is read', async () => {
    let proceed = (): void => undefined
    const gate = new Promise<void>((resolve) => (proceed = resolve))
    const memory = createMemoryBlobStore({ maxBytes: 10_000 })
    const slow: BlobStore = {
      ...memory,
      open: async (digest, range) => {
        const blob = await memory.open(digest, range)
        await gate
        return blob
      },
    }
    const store = withMemory(slow, options)
    await put(store, first.digest, first.bytes)
    const reading = read(store, first.digest)
    await store.remove(first.digest)
    proceed()
    expect(await reading).toEqual(first.bytes)
    expect(await store.stat(first.digest)).toBeUndefined()
    expect(await store.open(first.digest)).toBeUndefined()
  })

  test('passes a broken read on, and keeps nothing of it', async () => {
    const memory = createMemoryBlobStore({ maxBytes: 10_000 })
    await put(memory, first.digest, first.bytes)
    const store = withMemory(streamed(memory, 500), options)
    await expect(store.open(first.digest)).rejects.toThrow('ended after 500 of 1000 bytes')
    await expect(store.open(first.digest)).rejects.toThrow('ended after 500 of 1000 bytes')
  })

  test('knows what is written anew, whatever was there', async () => {
    const inner = createMemoryBlobStore({ maxBytes: 10_000 })
    await put(inner, first.digest, first.bytes.slice(0, 500))
    const store = withMemory(inner, options)
    await read(store, first.digest)
    await put(store, first.digest, first.bytes)
    expect(await read(store, first.digest)).toEqual(first.bytes)
  })

  test('holds no more than it may', async () => {
    const { store: inner, opened } = counted(createMemoryBlobStore({ maxBytes: 10_000 }))
    const store = withMemory(inner, { ...options, maxBytes: 2000 })
    for (const { digest, bytes } of blobs) await put(store, digest, bytes)
    for (const { digest } of [...blobs, ...blobs]) await read(store, digest)
    expect(opened()).toBe(2 * blobs.length)
  })
})
