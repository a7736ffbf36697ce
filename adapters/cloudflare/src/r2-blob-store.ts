import type { BlobStore, ByteRange, Digest, IngestBlob, StoredBlob } from '@pullway/core'
import type { R2Bucket, R2ObjectBody } from './bindings.ts'
import { createGatheredWrite } from './gathered-write.ts'
import { withLength } from './known-length.ts'
import { putInParts } from './r2-parts.ts'

export interface R2BlobStoreOptions {
  readonly bucket: R2Bucket
  /** Of what goes through `write`, which holds it in memory; layers go through `ingest`. */
  readonly maxWriteBytes?: number
  /** Larger layers are taken in by parts, with CPU of the Worker; undefined: not at all. */
  readonly partsAboveBytes?: number | undefined
  readonly partBytes?: number
}

export interface R2BlobStore extends BlobStore {
  readonly ingest: IngestBlob
}

/** The largest manifest is 4 MiB. */
const manifestBytes = 4 * 1024 * 1024
/** 10 000 of them are 156 GiB. */
const defaultPartBytes = 16 * 1024 * 1024
/** R2, "Limits": a single put takes 5 GiB less 5 MiB, and only a single put checks a digest. */
export const maxPutBytes: number = 5 * 1024 ** 3 - 5 * 1024 ** 2

/** Blobs in R2, under the names that the S3 store gives them. R2 checks each digest before an object is there. */
export function createR2BlobStore({
  bucket,
  maxWriteBytes = manifestBytes,
  partsAboveBytes,
  partBytes = defaultPartBytes,
}: R2BlobStoreOptions): R2BlobStore {
  const put = async (
    digest: Digest,
    value: ReadableStream<Uint8Array> | Uint8Array,
  ): Promise<void> => {
    const { algorithm, hex } = partsOf(digest)
    await bucket.put(
      keyOf(digest),
      value,
      algorithm === 'sha256' ? { sha256: hex } : { sha512: hex },
    )
  }

  async function getRange(digest: Digest, range: ByteRange): Promise<StoredBlob | undefined> {
    const { first, last } = range
    const key = keyOf(digest)
    let object: R2ObjectBody | null
    try {
      object = await bucket.get(key, { range: { offset: first, length: last - first + 1 } })
    } catch (error) {
      // R2 refuses a range that begins after the end, and cuts one that ends there.
      const size = (await bucket.head(key))?.size
      throw size !== undefined && first >= size ? outside(range, size) : error
    }
    if (object === null) return undefined
    if (last < object.size) return { size: object.size, content: object.body }
    await object.body.cancel()
    throw outside(range, object.size)
  }

  return {
    async stat(digest) {
      const object = await bucket.head(keyOf(digest))
      return object ? { size: object.size } : undefined
    },

    async open(digest, range) {
      if (range) return getRange(digest, range)
      const object = await bucket.get(keyOf(digest))
      return object ? { size: object.size, content: object.body } : undefined
    },

    // eslint-disable-next-line @typescript-eslint/require-await -- refuses by rejecting
    async write(digest, size) {
      const putAll = (bytes: Uint8Array): Promise<void> => put(digest, bytes)
      return createGatheredWrite({ size, maxBytes: maxWriteBytes, put: putAll })
    },

    async remove(digest) {
      await bucket.delete(keyOf(digest))
    },

    async ingest(digest, body, size) {
      if (partsAboveBytes !== undefined && size > partsAboveBytes) {
        await putInParts({ bucket, key: keyOf(digest), digest, body, size, partBytes })
        return
      }
      if (size > maxPutBytes) {
        await body.cancel()
        throw new Error(`${size} bytes are more than R2 takes and checks in one put`)
      }
      await put(digest, withLength(body, size))
    },
  }
}

function outside({ first, last }: ByteRange, size: number): RangeError {
  return new RangeError(`No bytes ${first}-${last} of ${size}`)
}

function keyOf(digest: Digest): string {
  const { algorithm, hex } = partsOf(digest)
  return `blobs/${algorithm}/${hex.slice(0, 2)}/${hex}`
}

function partsOf(digest: Digest): { algorithm: string; hex: string } {
  const [algorithm = '', hex = ''] = digest.split(':')
  return { algorithm, hex }
}
