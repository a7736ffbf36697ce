import type { FetchOptions } from '@pullway/core'
import type { World } from './world.ts'

export type CallKind =
  | 'ping'
  | 'manifest'
  | 'blob'
  | 'tags'
  | 'referrers'
  | 'token'
  | 'blob-host'
  | 'search'
  | 'other'
  | 'stranger'

/** One exchange that the mirror asked for, as it arrived. */
export interface Call {
  readonly kind: CallKind
  readonly method: string
  readonly url: URL
  readonly headers: Headers
  readonly body: string
  readonly network: FetchOptions['network']
  /** `GET registry.test/v2/a/manifests/b`, without the query. */
  readonly line: string
  /** Of the answer; undefined while none came. */
  status: number | undefined
  sentBytes: number
  /** Whether the mirror stopped reading before the end. */
  cancelled: boolean
}

export async function recordCall(
  world: World,
  request: Request,
  options: FetchOptions,
): Promise<Call> {
  const url = new URL(request.url)
  url.hash = ''
  return {
    kind: kindOf(world, url),
    method: request.method,
    url,
    headers: new Headers(request.headers),
    body: request.body === null ? '' : await request.text(),
    network: options.network,
    line: `${request.method} ${url.host}${url.pathname}`,
    status: undefined,
    sentBytes: 0,
    cancelled: false,
  }
}

export interface ResourcePath {
  readonly kind: 'manifest' | 'blob' | 'tags' | 'referrers'
  readonly name: string
  readonly reference: string
}

const kinds = {
  manifests: 'manifest',
  blobs: 'blob',
  tags: 'tags',
  referrers: 'referrers',
} as const

/** Reads `/v2/<name>/<kind>/<reference>`. */
export function readPath(pathname: string): ResourcePath | undefined {
  const match = /^\/v2\/(.+)\/(manifests|blobs|tags|referrers)\/([^/]+)$/.exec(pathname)
  if (match === null) return undefined
  const [, name = '', kind = '', reference = ''] = match
  return { kind: kinds[kind as keyof typeof kinds], name, reference }
}

function kindOf(world: World, url: URL): CallKind {
  const { hosts, fronts, token, search } = world.behaviour
  if (world.locations.has(url.href)) return 'blob-host'
  if (`${url.origin}${url.pathname}` === token.realm) return 'token'
  if (url.host === search?.host && url.pathname.startsWith('/v1/')) return 'search'
  if (!hosts.includes(url.host) && !fronts.some((front) => front.host === url.host)) {
    return 'stranger'
  }
  if (/^\/v2\/?$/.test(url.pathname)) return 'ping'
  return readPath(url.pathname)?.kind ?? 'other'
}
