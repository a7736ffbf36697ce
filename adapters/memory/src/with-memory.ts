import type { BlobStore, Digest, StoredBlob } from '@pullway/core'
import { type Bytes, createBlobCache, toStoredBlob } from './blobs.ts'

export interface WithMemoryOptions {
  /** Of all that is kept in memory. */
  readonly maxBytes: number
  /** The largest blob that is kept: manifests and configs are smaller, layers are not. */
  readonly maxBlobBytes: number
}

export interface MemoryBefore extends BlobStore {
  /** Lets go of what the slower store has no more. */
  forget(digest: Digest): void
}

/**
 * Keeps small blobs of a slower store in memory once they were read. What another process removes from the
 * store may be answered for as long as it stays here: under a digest it is the right content all the same.
 */
export function withMemory(store: BlobStore, options: WithMemoryOptions): MemoryBefore {
  const kept = createBlobCache(options.maxBytes)
  let removals = 0

  function forget(digest: Digest): void {
    removals += 1
    kept.delete(digest)
  }

  return {
    forget,
    used: (digest) => store.used?.(digest),

    async stat(digest) {
      const bytes = kept.get(digest)
      return bytes ? { size: bytes.byteLength } : await store.stat(digest)
    },

    async open(digest, range) {
      const bytes = kept.get(digest)
      if (bytes) {
        store.used?.(digest)
        return toStoredBlob(bytes, range)
      }

      const removalsBefore = removals
      const blob = await store.open(digest, range)
      // A part is no reason to read the whole: clients ask for parts of layers only.
      if (blob === undefined || range !== undefined || blob.size > options.maxBlobBytes) return blob

      const content = await readAll(digest, blob)
      if (removals === removalsBefore) kept.set(digest, content)
      return { size: blob.size, content }
    },

    write(digest, size) {
      // Who fetches it again has found that it is of no use.
      forget(digest)
      return store.write(digest, size)
    },

    async remove(digest) {
      forget(digest)
      await store.remove(digest)
    },
  }
}

async function readAll(digest: Digest, { size, content }: StoredBlob): Promise<Bytes> {
  if (content instanceof Uint8Array) return content
  const bytes = new Uint8Array(size)
  let length = 0
  for await (const chunk of content) {
    bytes.set(chunk, length)
    length += chunk.byteLength
  }
  if (length !== size) throw new Error(`${digest} ended after ${length} of ${size} bytes`)
  return bytes
}
