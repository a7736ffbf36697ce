import type { BlobStore, Digest, StoredBlob } from '@pullway/core'
import { createNodeHasher } from './hasher.ts'

/**
 * Small blobs of a store whose files can go bad, read whole and checked; wrong ones are removed. What is kept
 * in memory in front of it is right from then on, whatever becomes of the file.
 */
export function withCheck<Store extends BlobStore>(store: Store, maxBytes: number): Store {
  return {
    ...store,
    async open(digest, range) {
      const blob = await store.open(digest, range)
      if (blob === undefined || range !== undefined || blob.size > maxBytes) return blob
      const content = new Uint8Array(await new Response(blob.content).arrayBuffer())
      if (isRight(digest, content)) return { size: blob.size, content } satisfies StoredBlob
      await store.remove(digest)
      throw new Error(`${digest} had wrong bytes`)
    },
  }
}

function isRight(digest: Digest, bytes: Uint8Array): boolean {
  const hasher = createNodeHasher(digest.startsWith('sha512') ? 'sha512' : 'sha256')
  hasher.update(bytes)
  return digest.endsWith(`:${hasher.hex()}`)
}
