import { isObject, parseJson } from '../json.ts'
import type { Digest, KeyValue } from '../ports.ts'
import { isDigest } from '../request/reference.ts'
import type { Route } from '../route.ts'
import { getJson } from './state.ts'

/** That a repository is known to hold some content, and what kind. */
export interface Holding {
  readonly kind: 'manifest' | 'blob'
  /** As the upstream or the manifest that names it says. */
  readonly mediaType?: string | undefined
  readonly size?: number | undefined
}

/**
 * Which repository holds which digest. The store keeps content once for all repositories; without these
 * records, a digest guessed under another repository's name would be served to anybody.
 */
export interface Holdings {
  find(route: Route, digest: Digest): Promise<Holding | undefined>
  note(route: Route, digest: Digest, holding: Holding): Promise<void>
  forget(route: Route, digest: Digest): Promise<void>
}

const keepSeconds = 365 * 24 * 3600

export function createHoldings(state: KeyValue): Holdings {
  return {
    async find(route, digest) {
      return (await getJson(state, keyOf(route, digest))) as Holding | undefined
    },
    note: (route, digest, holding) =>
      state.set(keyOf(route, digest), JSON.stringify(holding), keepSeconds),
    forget: (route, digest) => state.delete(keyOf(route, digest)),
  }
}

/** What a record says to who looks after a store: which repository holds what. */
export interface NotedHolding {
  readonly upstream: string
  readonly repository: string
  readonly digest: Digest
  readonly kind: Holding['kind']
}

/** Undefined for what is no record of a holding. */
export function parseNotedHolding(key: string, value: string): NotedHolding | undefined {
  const [, upstream, repository, digest = ''] = /^holds\/([^/]+)\/([^@]+)@(.+)$/.exec(key) ?? []
  if (upstream === undefined || repository === undefined || !isDigest(digest)) return undefined
  const record = parseJson(value)
  const kind = isObject(record) && record['kind'] === 'manifest' ? 'manifest' : 'blob'
  return { upstream, repository, digest, kind }
}

function keyOf({ upstream, repository }: Route, digest: Digest): string {
  return `holds/${upstream.name}/${repository}@${digest}`
}
