import type { ByteRange, Digest, StoredBlob } from '@pullway/core'
import { createRecent, type Recent } from './recent.ts'

export type Bytes = Uint8Array<ArrayBuffer>

export type BlobCache = Recent<Digest, Bytes>

export function createBlobCache(maxBytes: number): BlobCache {
  return createRecent({ maxSize: maxBytes, sizeOf: ({ byteLength }) => byteLength })
}

export function toStoredBlob(bytes: Bytes, range: ByteRange | undefined): StoredBlob {
  const size = bytes.byteLength
  if (range === undefined) return { size, content: bytes }
  if (range.last >= size) throw new RangeError(`No bytes ${range.first}-${range.last} of ${size}`)
  return { size, content: bytes.subarray(range.first, range.last + 1) }
}
