import { getJson } from '../cache/state.ts'
import { hashOf } from '../access/callers.ts'
import { RegistryError } from '../errors.ts'
import { FetchError, type CreateHasher, type KeyValue } from '../ports.ts'
import type { Route } from '../route.ts'
import { refuseForbidden } from '../upstream/exchange.ts'
import { isOwnHost, keepsEncryption } from '../upstream/trust.ts'

/** Where an upstream wants the rest of an upload, in a form that a client can hand back to us. */
export interface Locations {
  /** The rest of our path and the query, of a Location header; throws where no client of ours should be led. */
  toOurs(route: Route, location: string, from: URL): Promise<{ rest: string; query: string }>
  /** The address that the rest of our path stands for. */
  toTheirs(route: Route, rest: string, query: string): Promise<URL>
}

export interface LocationsOptions {
  readonly volatile: KeyValue
  readonly createHasher: CreateHasher
}

const keepSeconds = 24 * 3600
/** Segments as registries write them; nothing that is or hides a slash or a dot segment. */
const plainRest =
  /^(?!~)(?:(?!\.{1,2}(?:\/|$))[\w.~:=+@,-]+)(?:\/(?!\.{1,2}(?:\/|$))[\w.~:=+@,-]+)*$/
const remembered = /^~([0-9a-f]{64})$/

/**
 * An upload below the repository's own `/blobs/uploads/` keeps its name. Any other address is remembered, and
 * the client gets its hash: it can name only what an upstream has named for that very repository.
 */
export function createLocations({ volatile, createHasher }: LocationsOptions): Locations {
  return {
    async toOurs(route, location, from) {
      const url = check(URL.parse(location, from.href), from)
      refuseForbidden(url, isOwnHost(url, route.upstream) ? 'any' : 'public')
      const { search } = url
      const query = search.slice(1)
      const base = baseOf(route)
      const rest = url.href.startsWith(base.href)
        ? url.pathname.slice(base.pathname.length)
        : undefined
      if (rest !== undefined && plainRest.test(rest)) return { rest, query }
      url.search = ''
      const hash = hashOf(createHasher, [route.upstream.name, route.repository, url.href])
      await volatile.set(keyOf(hash), JSON.stringify(url.href), keepSeconds)
      return { rest: `~${hash}`, query }
    },

    async toTheirs(route, rest, query) {
      const url = await find(route, rest)
      if (!url) throw unknownUpload()
      url.search = query
      return url
    },
  }

  async function find(route: Route, rest: string): Promise<URL | undefined> {
    const hash = remembered.exec(rest)?.[1]
    if (hash === undefined)
      return plainRest.test(rest) ? new URL(baseOf(route).href + rest) : undefined
    const address = await getJson(volatile, keyOf(hash))
    if (typeof address !== 'string') return undefined
    const isOfRoute =
      hashOf(createHasher, [route.upstream.name, route.repository, address]) === hash
    return isOfRoute ? new URL(address) : undefined
  }
}

function baseOf({ upstream, repository }: Route): URL {
  return new URL(`${upstream.endpoints[0]?.url ?? ''}/${repository}/blobs/uploads/`)
}

function keyOf(hash: string): string {
  return `upload/${hash}`
}

/** As with redirects: web addresses only, no way back from https, nobody's credentials in them. */
function check(url: URL | null, from: URL): URL {
  const isWeb = url?.protocol === 'https:' || url?.protocol === 'http:'
  if (!url || !isWeb || !keepsEncryption(from, url) || url.username !== '' || url.password !== '')
    throw new FetchError('unreachable', 'it sends uploads to an address that is of no use')
  url.hash = ''
  return url
}

function unknownUpload(): RegistryError {
  return new RegistryError(
    'BLOB_UPLOAD_UNKNOWN',
    'this upload is not known here: begin the push again',
  )
}
