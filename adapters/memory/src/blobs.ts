import type { ByteRange, Digest, StoredBlob } from '@pullway/core'
import { LRUCache } from 'lru-cache'

export type Bytes = Uint8Array<ArrayBuffer>

export type BlobCache = LRUCache<Digest, Bytes>

export function createBlobCache(maxBytes: number): BlobCache {
  // lru-cache knows no size of nothing: an empty blob counts as one byte.
  return new LRUCache({ maxSize: maxBytes, sizeCalculation: (bytes) => bytes.byteLength || 1 })
}

export function toStoredBlob(bytes: Bytes, range: ByteRange | undefined): StoredBlob {
  const size = bytes.byteLength
  if (range === undefined) return { size, content: bytes }
  if (range.last >= size) throw new RangeError(`No bytes ${range.first}-${range.last} of ${size}`)
  return { size, content: bytes.subarray(range.first, range.last + 1) }
}
