/* eslint-disable @typescript-eslint/require-await -- an asynchronous port, implemented without waiting */
import type { BlobStore, BlobWrite, Digest } from '@pullway/core'
import { type BlobCache, type Bytes, createBlobCache, toStoredBlob } from './blobs.ts'

export interface MemoryBlobStoreOptions {
  /** Of what is stored; the least recently used goes first. Writes in progress may hold as much again. */
  readonly maxBytes: number
}

export function createMemoryBlobStore({ maxBytes }: MemoryBlobStoreOptions): BlobStore {
  const stored = createBlobCache(maxBytes)
  const budget: Budget = { left: maxBytes }

  return {
    async stat(digest) {
      const bytes = stored.peek(digest)
      return bytes && { size: bytes.byteLength }
    },

    async open(digest, range) {
      const bytes = stored.get(digest)
      return bytes && toStoredBlob(bytes, range)
    },

    async write(digest, size) {
      return createWrite(stored, budget, digest, size)
    },

    async remove(digest) {
      stored.delete(digest)
    },
  }
}

interface Budget {
  left: number
}

const firstCapacity = 64 * 1024

function createWrite(
  stored: BlobCache,
  budget: Budget,
  digest: Digest,
  size: number | undefined,
): BlobWrite {
  let length = 0
  let capacity = 0
  let isReleased = false
  let buffer: Bytes = allocate(size ?? Math.min(firstCapacity, budget.left))

  function allocate(bytes: number): Bytes {
    if (bytes - capacity > budget.left) throw new Error('The store in memory has no room left')
    budget.left -= bytes - capacity
    capacity = bytes
    return new Uint8Array(bytes)
  }

  function makeRoom(total: number): void {
    if (total <= capacity) return
    if (size !== undefined) throw new RangeError(`More bytes than the ${size} announced`)
    const former = buffer
    buffer = allocate(Math.max(total, Math.min(2 * capacity, capacity + budget.left)))
    buffer.set(former.subarray(0, length))
  }

  return {
    async append(chunks) {
      makeRoom(chunks.reduce((total, chunk) => total + chunk.byteLength, length))
      for (const chunk of chunks) {
        buffer.set(chunk, length)
        length += chunk.byteLength
      }
    },

    async read(position, atMost) {
      if (position >= length) throw new RangeError(`No byte ${position} of ${length} so far`)
      return buffer.subarray(position, Math.min(position + atMost, length))
    },

    async commit() {
      if (size !== undefined && length !== size) {
        throw new RangeError(`${length} bytes instead of the ${size} announced`)
      }
      // What doubling has left over must not stay for as long as the blob does.
      stored.set(digest, length === capacity ? buffer : buffer.slice(0, length))
    },

    async release() {
      if (isReleased) return
      isReleased = true
      budget.left += capacity
    },
  }
}
