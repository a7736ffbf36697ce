import { RegistryError } from '../errors.ts'
import { withoutSecrets } from '../observe/without-secrets.ts'
import type { Digest, HashAlgorithm } from '../ports.ts'

/** A tag or a digest: what follows /manifests/. */
export type Reference =
  | { readonly type: 'tag'; readonly tag: string }
  | { readonly type: 'digest'; readonly digest: Digest }

// Distribution specification, "Pulling manifests": the grammar of <name> and of <reference> as a tag.
const namePattern =
  /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/
const tagPattern = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/
// Image specification, "Digests": the registered algorithms and the lengths of their hex.
const digestPattern = /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/

/** Clients count the registry's host name into the 255 characters; we do not know theirs, so we do not. */
const maxNameLength = 255

/** Longest input that an error message repeats. */
const maxQuotedLength = 80

export function parseName(text: string): string {
  if (text.length <= maxNameLength && namePattern.test(text)) return text
  throw new RegistryError(
    'NAME_INVALID',
    `${quote(text)} is not a repository name: use lower-case letters, digits and . _ - in components separated by /`,
  )
}

export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text
  throw new RegistryError(
    'DIGEST_INVALID',
    `${quote(text)} is not a digest: write sha256: and 64, or sha512: and 128 lower-case hex digits`,
  )
}

export function parseReference(text: string): Reference {
  if (text.includes(':')) return { type: 'digest', digest: parseDigest(text) }
  if (tagPattern.test(text)) return { type: 'tag', tag: text }
  throw new RegistryError(
    'TAG_INVALID',
    `${quote(text)} is not a tag: use at most 128 letters, digits and . _ -, and no . or - at the start`,
  )
}

export function formatReference(reference: Reference): string {
  return reference.type === 'tag' ? reference.tag : reference.digest
}

export function isDigest(text: string): text is Digest {
  return digestPattern.test(text)
}

export function algorithmOf(digest: Digest): HashAlgorithm {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256'
}

/** Input as it may stand in a message: short, on one line. */
export function quote(text: string): string {
  const line = withoutSecrets(text).replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, '?')
  return line.length > maxQuotedLength ? `"${line.slice(0, maxQuotedLength)}..."` : `"${line}"`
}
