import { type Digest, formatImageName, type KeptContents, partsOf } from '@pullway/core'
import type { CacheRecords } from './cache-records.ts'

/** What somebody has pulled: a tag, or a digest that no tag names. */
export interface KeptImage {
  readonly name: string
  readonly digest: Digest
  /** With all that is kept of it; what images share counts for each. */
  readonly bytes: number
  /** Epoch milliseconds. */
  readonly usedAt: number
}

export function listImages(
  contents: KeptContents,
  { tags, holdings }: CacheRecords,
): readonly KeptImage[] {
  const named = new Map<string, Digest>()
  for (const { upstream, repository, tag, digest } of tags) {
    if (!contents.has(digest)) continue
    // One tag may mean one content for each Accept.
    named.set(`${formatImageName(upstream, repository, { type: 'tag', tag })} ${digest}`, digest)
  }
  const tagged = new Set(named.values())
  const parts = new Set<Digest>()
  for (const { names } of contents.values()) {
    for (const digest of [...(names?.manifests ?? []), ...(names?.blobs ?? [])]) parts.add(digest)
  }
  for (const { upstream, repository, digest } of holdings) {
    const isImage = contents.get(digest)?.names !== undefined && !parts.has(digest)
    if (isImage && !tagged.has(digest)) named.set(`${upstream}/${repository} ${digest}`, digest)
  }
  const known = new Set(named.values())
  for (const [digest, { names }] of contents) {
    if (names && !parts.has(digest) && !known.has(digest)) named.set(`- ${digest}`, digest)
  }
  return [...named]
    .map(([key, digest]) => toImage(key.slice(0, key.indexOf(' ')), digest, contents))
    .sort((one, other) => (one.name < other.name ? -1 : one.name > other.name ? 1 : 0))
}

function toImage(name: string, digest: Digest, contents: KeptContents): KeptImage {
  const parts = [...partsOf(contents, digest)].flatMap((part) => contents.get(part) ?? [])
  const manifests = parts.filter(({ names }) => names !== undefined)
  return {
    name,
    digest,
    bytes: parts.reduce((total, { size }) => total + size, 0),
    usedAt: Math.max(...manifests.map(({ usedAt }) => usedAt)),
  }
}
