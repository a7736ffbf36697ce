import { RegistryError } from '../errors.ts'
import type { Digest } from '../ports.ts'
import { parseDigest, parseReference, quote, type Reference } from './reference.ts'

/** What a pull asks for, below a repository's name. */
export type Target =
  | { readonly kind: 'manifest'; readonly reference: Reference }
  | { readonly kind: 'blob'; readonly digest: Digest }
  | { readonly kind: 'tags' }
  | { readonly kind: 'referrers'; readonly digest: Digest }

/** One parsed GET or HEAD below /v2/; which upstream it means is not decided yet. */
export interface Pull {
  readonly method: 'GET' | 'HEAD'
  readonly target: Target
  /** As the client wrote it after /v2/; may begin with a registry's name or alias, so it is not checked yet. */
  readonly name: string
  /** A path component before /v2/. */
  readonly prefix: string | undefined
  /** `?ns=`, which containerd and others add for a mirror. */
  readonly namespace: string | undefined
  /** Host header, lower case, without port. */
  readonly host: string
  /** The query without `ns`: paging cursors are opaque and go upstream as they came. */
  readonly query: string
  /** The address holds a secret, and must reach nobody else by a link. */
  readonly isSecret?: boolean
}

export type RegistryRequest = { readonly secret: string | undefined } & (
  | { readonly kind: 'ping'; readonly prefix: string | undefined }
  | { readonly kind: 'pull'; readonly pull: Pull }
)

/** Reads a request below /v2/, /<prefix>/v2/ and /t/<secret>/...; undefined for every other path. */
export function parseRegistryRequest(request: Request): RegistryRequest | undefined {
  const { host, path: whole, query } = splitUrl(request.url)
  const { secret, path } = splitSecret(whole)
  const root = findRoot(path)
  if (!root) return undefined
  const method = request.method
  if (method !== 'GET' && method !== 'HEAD') throw pullOnly(method)
  if (root.rest === '') return { kind: 'ping', secret, prefix: root.prefix }
  const { name, target } = parseTarget(root.rest)
  const { namespace, others } = splitNamespace(query)
  const isSecret = secret !== undefined
  return {
    kind: 'pull',
    secret,
    pull: { method, target, name, prefix: root.prefix, namespace, host, query: others, isSecret },
  }
}

export function isRegistryPath({ url }: Request): boolean {
  return findRoot(splitUrl(url).path) !== undefined
}

/** The same for nearly all requests, and told without a string being made. */
export function isBelowV2({ url }: Request): boolean {
  return url.startsWith('/v2/', url.indexOf('/', url.indexOf('//') + 2))
}

/** The URL by hand: routers decode %2F, and a repository's name has no encoded form. */
export function splitUrl(url: string): { host: string; path: string; query: string } {
  const hostStart = url.indexOf('//') + 2
  const pathStart = url.indexOf('/', hostStart)
  const queryStart = url.indexOf('?', pathStart)
  const path = queryStart < 0 ? url.slice(pathStart) : url.slice(pathStart, queryStart)
  return {
    host: withoutPort(url.slice(hostStart, pathStart)),
    // Some clients encode the colon of a digest; nothing else in these paths has a reason to be encoded.
    path: path.includes('%') ? path.replaceAll(/%3a/gi, ':') : path,
    query: queryStart < 0 ? '' : (url.slice(queryStart + 1).split('#', 1)[0] ?? ''),
  }
}

/** /t/<secret> in front, for clients that cannot log in to a mirror; /t/v2/ is the alias `t`. */
function splitSecret(path: string): { secret: string | undefined; path: string } {
  if (!path.startsWith('/t/')) return { secret: undefined, path }
  const [, secret, rest] = /^\/t\/(?!v2(?:\/|$))([^/]+)(\/.*)$/.exec(path) ?? []
  return rest === undefined ? { secret: undefined, path } : { secret, path: rest }
}

function withoutPort(host: string): string {
  return host.replace(/:\d*$/, '').toLowerCase()
}

export function findRoot(path: string): { prefix: string | undefined; rest: string } | undefined {
  if (path.startsWith('/v2/')) return { prefix: undefined, rest: path.slice(4) }
  if (path === '/v2') return { prefix: undefined, rest: '' }
  const match = /^\/([^/]+)\/v2(?:\/(.*))?$/.exec(path)
  return match ? { prefix: match[1], rest: match[2] ?? '' } : undefined
}

function parseTarget(rest: string): { name: string; target: Target } {
  if (rest === '_catalog') {
    throw new RegistryError(
      'UNSUPPORTED',
      'a mirror has no catalog of its own: ask for an image by its name, or use the registry’s search',
      { status: 404 },
    )
  }
  const lastSlash = rest.lastIndexOf('/')
  const kindSlash = rest.lastIndexOf('/', lastSlash - 1)
  const name = rest.slice(0, Math.max(kindSlash, 0))
  const kind = rest.slice(kindSlash + 1, lastSlash)
  const last = rest.slice(lastSlash + 1)
  if (name === '' || lastSlash < 0) throw noSuchPath(rest)
  switch (kind) {
    case 'manifests':
      return { name, target: { kind: 'manifest', reference: parseReference(last) } }
    case 'blobs':
      return { name, target: { kind: 'blob', digest: parseDigest(last) } }
    case 'referrers':
      return { name, target: { kind: 'referrers', digest: parseDigest(last) } }
    case 'tags':
      if (last === 'list') return { name, target: { kind: 'tags' } }
  }
  throw noSuchPath(rest)
}

export function splitNamespace(query: string): { namespace: string | undefined; others: string } {
  if (!query.includes('ns=')) return { namespace: undefined, others: query }
  const namespace = new URLSearchParams(query).get('ns') ?? undefined
  const others = query
    .split('&')
    .filter((pair) => !pair.startsWith('ns='))
    .join('&')
  return { namespace, others }
}

/** `image`: with its registry's real name, where the request says which. */
export function pullOnly(method: string, image?: string): RegistryError {
  const where = image === undefined ? 'the registry itself' : `the registry itself, as ${image}`
  return new RegistryError(
    'UNSUPPORTED',
    `this is a pull-through mirror and takes no ${quote(method)}: push to and delete from ${where}`,
    { headers: { allow: 'GET, HEAD' } },
  )
}

function noSuchPath(rest: string): RegistryError {
  return new RegistryError(
    'UNSUPPORTED',
    `/v2/ has no ${quote(rest)}: ask for <name>/manifests/<reference>, <name>/blobs/<digest>, ` +
      '<name>/tags/list or <name>/referrers/<digest>',
    { status: 404 },
  )
}
