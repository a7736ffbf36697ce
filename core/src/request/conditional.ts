import type { Digest } from '../ports.ts'

/** The entity tag of content: its digest, which changes exactly when a byte does. */
export function etagOf(digest: Digest): string {
  return `"${digest}"`
}

/** RFC 9110, section 13.1.2: the weak comparison, over a list or `*`. */
export function isNotModified(ifNoneMatch: string | null, digest: Digest): boolean {
  if (ifNoneMatch === null) return false
  if (ifNoneMatch.trim() === '*') return true
  const etag = etagOf(digest)
  return ifNoneMatch.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag)
}

/** RFC 9110, section 13.1.5: the strong comparison; a date never matches, since we keep none. */
export function isRangeStillValid(ifRange: string | null, digest: Digest): boolean {
  return ifRange === null || ifRange.trim() === etagOf(digest)
}
