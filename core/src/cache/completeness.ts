import type { Digest } from '../ports.ts'
import { readBytes } from '../upstream/body.ts'
import { maxManifestBytes } from '../upstream/manifests.ts'
import { parseManifest } from './manifest.ts'
import type { ForgivingStore } from './store.ts'

/** An index within an index is as deep as anything in use. */
const maxDepth = 3

/**
 * Tells whether the cache can serve an image without its upstream: all blobs of a manifest; of an index, at
 * least one image, since clients take one platform.
 */
export function createCompleteness(store: ForgivingStore): (digest: Digest) => Promise<boolean> {
  const isComplete = async (digest: Digest, depth: number): Promise<boolean> => {
    const stored = depth > 0 ? await store.open(digest) : undefined
    if (!stored) return false
    const bytes = await readBytes(new Response(stored.content), maxManifestBytes).catch(
      () => undefined,
    )
    const manifest = bytes && parseManifest(bytes, null)
    if (!manifest) return false
    if (manifest.manifests.length > 0) {
      for (const child of manifest.manifests)
        if (await isComplete(child.digest, depth - 1)) return true
      return false
    }
    const stats = await Promise.all(manifest.blobs.map((blob) => store.stat(blob.digest)))
    return stats.every((stat) => stat !== undefined)
  }
  return (digest) => isComplete(digest, maxDepth)
}
