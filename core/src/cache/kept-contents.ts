import type { Digest } from '../ports.ts'
import { maxManifestBytes } from '../upstream/manifests.ts'
import { parseManifest } from './manifest.ts'

/** One content of a store, as far as it matters to what may be taken away. */
export interface KeptContent {
  readonly size: number
  /** Epoch milliseconds. */
  readonly usedAt: number
  /** What it names, where it is a manifest. */
  readonly names: ManifestNames | undefined
}

export interface ManifestNames {
  /** Of an index. */
  readonly manifests: readonly Digest[]
  /** Of an image: config and layers. */
  readonly blobs: readonly Digest[]
}

export type KeptContents = ReadonlyMap<Digest, KeptContent>

/** The largest content that can be a manifest. */
export const largestManifestBytes: number = maxManifestBytes

/** What a manifest names; undefined of whatever is none. */
export function readManifestNames(bytes: Uint8Array): ManifestNames | undefined {
  const manifest = parseManifest(bytes, null)
  return (
    manifest && {
      manifests: [...new Set(manifest.manifests.map(({ digest }) => digest))],
      blobs: [...new Set(manifest.blobs.map(({ digest }) => digest))],
    }
  )
}

/** How many manifests that are kept name each blob; a blob that is not here is needed by none. */
export function countNeeds(contents: KeptContents): Map<Digest, number> {
  const needs = new Map<Digest, number>()
  for (const { names } of contents.values()) {
    for (const blob of names?.blobs ?? []) needs.set(blob, (needs.get(blob) ?? 0) + 1)
  }
  return needs
}

/** An image with all that it is made of, as far as it is kept: itself, of an index its images, their blobs. */
export function partsOf(contents: KeptContents, image: Digest): ReadonlySet<Digest> {
  const parts = new Set<Digest>()
  const open = [image]
  for (let digest = open.pop(); digest !== undefined; digest = open.pop()) {
    const content = contents.get(digest)
    if (!content || parts.has(digest)) continue
    parts.add(digest)
    open.push(...(content.names?.manifests ?? []), ...(content.names?.blobs ?? []))
  }
  return parts
}

/**
 * What goes with an image: of its parts, those that nothing else names and nobody asks for by themselves. The
 * manifests come first, so that one that is left after a crash is not left without its blobs.
 */
export function removalOf(
  contents: KeptContents,
  image: Digest,
  isWanted: (digest: Digest) => boolean,
): readonly Digest[] {
  const parts = partsOf(contents, image)
  const kept = new Set<Digest>()
  const open: Digest[] = []
  for (const [digest, { names }] of contents) {
    if (parts.has(digest)) {
      if (isWanted(digest)) open.push(digest)
    } else open.push(...(names?.manifests ?? []), ...(names?.blobs ?? []))
  }
  for (let digest = open.pop(); digest !== undefined; digest = open.pop()) {
    if (!parts.has(digest) || kept.has(digest)) continue
    kept.add(digest)
    const { names } = contents.get(digest) ?? {}
    open.push(...(names?.manifests ?? []), ...(names?.blobs ?? []))
  }
  const gone = [...parts].filter((digest) => !kept.has(digest))
  const isManifest = (digest: Digest): boolean => contents.get(digest)?.names !== undefined
  return [...gone.filter(isManifest), ...gone.filter((digest) => !isManifest(digest))]
}
