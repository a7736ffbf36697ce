import type { BlobStore, Digest } from '@pullway/core'
import { createGatheredWrite } from './gathered-write.ts'

export interface CacheBlobStoreOptions {
  /** Of the platform's `caches.default`: one for each data centre, and emptied as Cloudflare likes. */
  readonly cache: Pick<Cache, 'match' | 'put' | 'delete'>
  readonly maxWriteBytes?: number
}

const manifestBytes = 4 * 1024 * 1024

/**
 * Small blobs in the Cache API. It checks no digest, so layers, which would have to be hashed here, are not
 * kept in it. What is kept is read whole, so that no answer is ever a part of what the cache gave.
 */
export function createCacheBlobStore({
  cache,
  maxWriteBytes = manifestBytes,
}: CacheBlobStoreOptions): BlobStore {
  async function read(digest: Digest): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const found = await cache.match(keyOf(digest))
    return found && new Uint8Array(await found.arrayBuffer())
  }

  return {
    async stat(digest) {
      const bytes = await read(digest)
      return bytes && { size: bytes.byteLength }
    },

    async open(digest, range) {
      const bytes = await read(digest)
      if (!bytes) return undefined
      const size = bytes.byteLength
      if (!range) return { size, content: bytes }
      const { first, last } = range
      if (last >= size) throw new RangeError(`No bytes ${first}-${last} of ${size}`)
      return { size, content: bytes.subarray(first, last + 1) }
    },

    // eslint-disable-next-line @typescript-eslint/require-await -- refuses by rejecting
    async write(digest, size) {
      const put = (bytes: Uint8Array<ArrayBuffer>): Promise<void> =>
        cache.put(keyOf(digest), toResponse(bytes))
      return createGatheredWrite({ size, maxBytes: maxWriteBytes, put })
    },

    async remove(digest) {
      await cache.delete(keyOf(digest))
    },
  }
}

/** Without these two headers the Cache API drops what it is given, and says nothing. */
function toResponse(bytes: Uint8Array<ArrayBuffer>): Response {
  return new Response(bytes, {
    headers: {
      'cache-control': 'public, max-age=31536000, immutable',
      'content-length': String(bytes.byteLength),
    },
  })
}

/** An address that nothing answers at: only a key, and no client's request can be the same. */
function keyOf(digest: Digest): string {
  return `https://pullway.invalid/blobs/${digest.replace(':', '/')}`
}
