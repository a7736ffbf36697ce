import type { Digest, KeyValue } from '../ports.ts'
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

function keyOf({ upstream, repository }: Route, digest: Digest): string {
  return `holds/${upstream.name}/${repository}@${digest}`
}
