import type { Config } from '../config/config.ts'
import { RegistryError } from '../errors.ts'
import { createRouter, type Route } from '../route.ts'
import { formatReference, parseReference, quote, type Reference } from './reference.ts'

/** An image as people write it at a command line. */
export interface NamedImage {
  readonly route: Route
  readonly reference: Reference
}

/** Longer than any name with host, tag and digest. */
const maxCharacters = 1_000

/** Reads `alpine`, `ghcr.io/owner/image:tag`, `hub/library/nginx@sha256:…`: as docker does, with our aliases. */
export function parseImageName(config: Config, text: string): NamedImage {
  if (text.length > maxCharacters) throw notAnImage(text)
  const [named = '', digest, ...more] = text.split('@')
  if (more.length > 0 || digest === '') throw notAnImage(text)
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1)
  const tag = colon < 0 ? undefined : named.slice(colon + 1)
  const name = colon < 0 ? named : named.slice(0, colon)
  const given = tag === undefined ? undefined : parseReference(tag)
  // `name:tag@digest` means the digest; the tag is for people.
  const reference = digest === undefined ? (given ?? latest) : parseReference(digest)
  if (given?.type === 'digest' || (digest !== undefined && reference.type === 'tag'))
    throw notAnImage(text)
  const asked = { name, prefix: undefined, namespace: undefined, host: '' }
  return { route: createRouter(config).route(asked), reference }
}

export function formatImageName(
  upstream: string,
  repository: string,
  reference: Reference,
): string {
  const sign = reference.type === 'tag' ? ':' : '@'
  return `${upstream}/${repository}${sign}${formatReference(reference)}`
}

const latest: Reference = { type: 'tag', tag: 'latest' }

function notAnImage(text: string): RegistryError {
  return new RegistryError(
    'NAME_INVALID',
    `${quote(text)} is not an image: write it as for docker pull, such as ghcr.io/owner/image:tag`,
  )
}
