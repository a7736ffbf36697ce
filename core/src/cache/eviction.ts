import type { Digest } from '../ports.ts'
import { countNeeds, type KeptContent, type KeptContents } from './kept-contents.ts'

/** What goes together, in this order: a manifest before its blobs, so that a crash leaves no half image. */
export interface Eviction {
  readonly digests: readonly [Digest, ...Digest[]]
  /** Epoch milliseconds. */
  readonly usedAt: number
  /** A manifest goes with it. */
  readonly isImage: boolean
}

/**
 * What goes first when a store is too full: blobs that no manifest needs, then images, the least recently used
 * first. An image goes with the blobs that no other kept manifest needs, an index after its images. The
 * contents must stay as they are while this is read.
 */
export function* planEviction(contents: KeptContents): Generator<Eviction, void, undefined> {
  const needs = countNeeds(contents)
  for (const [digest, { usedAt }] of unneeded(contents, needs)) {
    yield { digests: [digest], usedAt, isImage: false }
  }
  for (const { digest, usedAt } of inOrder(contents, needs)) {
    const blobs: Digest[] = []
    for (const blob of contents.get(digest)?.names?.blobs ?? []) {
      const others = (needs.get(blob) ?? 1) - 1
      needs.set(blob, others)
      // A manifest that another one names as a blob has a place of its own.
      if (others === 0 && contents.has(blob) && !isManifest(contents, blob)) blobs.push(blob)
    }
    yield { digests: [digest, ...blobs], usedAt, isImage: true }
  }
}

function unneeded(
  contents: KeptContents,
  needs: ReadonlyMap<Digest, number>,
): readonly (readonly [Digest, KeptContent])[] {
  return [...contents]
    .filter(([digest, { names }]) => names === undefined && !needs.has(digest))
    .sort(
      ([one, { usedAt }], [other, { usedAt: otherUsedAt }]) =>
        usedAt - otherUsedAt || compare(one, other),
    )
}

interface Place {
  readonly digest: Digest
  usedAt: number
  /** Longest chain of what must go before it. */
  rank: number
  /** What must go before it and has no place yet. */
  waitsFor: number
  readonly after: Digest[]
}

/**
 * All manifests. What must go before another is never used later than that: so sorting by use keeps to it, and
 * an index that is asked for all day stays when the image of a platform that nobody wants goes.
 */
function inOrder(contents: KeptContents, needs: ReadonlyMap<Digest, number>): readonly Place[] {
  const places = new Map<Digest, Place>()
  for (const [digest, content] of contents) {
    if (content.names === undefined) continue
    const usedAt = lastUse(content, contents, needs)
    places.set(digest, { digest, usedAt, rank: 0, waitsFor: 0, after: [] })
  }
  for (const [digest, place] of places) {
    const { manifests = [], blobs = [] } = contents.get(digest)?.names ?? {}
    for (const child of manifests) {
      const before = places.get(child)
      if (!before) continue
      before.after.push(digest)
      place.waitsFor += 1
    }
    for (const blob of blobs) {
      const later = places.get(blob)
      if (!later) continue
      place.after.push(blob)
      later.waitsFor += 1
    }
  }
  // Not by recursion: somebody may pull a long chain of indexes. There are no circles in what names by digest.
  const ready = [...places.values()].filter(({ waitsFor }) => waitsFor === 0)
  for (let place = ready.pop(); place; place = ready.pop()) {
    for (const digest of place.after) {
      const later = places.get(digest)
      if (!later) continue
      later.usedAt = Math.max(later.usedAt, place.usedAt)
      later.rank = Math.max(later.rank, place.rank + 1)
      later.waitsFor -= 1
      if (later.waitsFor === 0) ready.push(later)
    }
  }
  return [...places.values()].sort(
    (one, other) =>
      one.usedAt - other.usedAt || one.rank - other.rank || compare(one.digest, other.digest),
  )
}

/** Of a manifest or of what is its alone: a base layer is used by every image that has it. */
function lastUse(
  { names, usedAt }: KeptContent,
  contents: KeptContents,
  needs: ReadonlyMap<Digest, number>,
): number {
  const own = (names?.blobs ?? []).filter((blob) => needs.get(blob) === 1)
  return Math.max(usedAt, ...own.map((blob) => contents.get(blob)?.usedAt ?? 0))
}

function isManifest(contents: KeptContents, digest: Digest): boolean {
  return contents.get(digest)?.names !== undefined
}

function compare(one: string, other: string): number {
  return one < other ? -1 : 1
}
