import { isObject, parseJson } from '../json.ts'
import type { CacheConfig } from '../config/config.ts'
import type { Clock, Digest, KeyValue } from '../ports.ts'
import { formatReference, isDigest, type Reference } from '../request/reference.ts'
import type { Route } from '../route.ts'
import { getJson } from './state.ts'

/** What a tag meant when the upstream was last asked. */
export interface TagRecord {
  readonly digest: Digest
  readonly mediaType: string
  readonly size: number
}

/** Tags and what they resolve to. `accept` is the normalised Accept, since a tag may mean one content for each. */
export interface Tags {
  find(
    route: Route,
    tag: string,
    accept: string,
  ): Promise<{ record: TagRecord; isFresh: boolean } | undefined>
  note(route: Route, tag: string, accept: string, record: TagRecord): Promise<void>
  forget(route: Route, tag: string, accept: string): Promise<void>
  /** What was known of a tag before now is over, for every Accept; or all that resolved to a digest. */
  drop(route: Route, reference: Reference): Promise<void>
}

export function createTags(
  state: KeyValue,
  clock: Clock,
  config: CacheConfig['tags'],
  isPushEnabled = false,
): Tags {
  const ttlSeconds = config.freshForSeconds + config.staleForSeconds

  return {
    async find(route, tag, accept) {
      const kept = (await getJson(state, keyOf(route, tag, accept))) as
        (TagRecord & { checkedAt: number }) | undefined
      if (!kept || !isDigest(kept.digest)) return undefined
      if (isDroppable(route) && (await isDropped(route, tag, kept))) return undefined
      const ageMs = clock.now() - kept.checkedAt
      // A clock that was set back makes everything stale rather than fresh for years.
      return { record: kept, isFresh: ageMs >= 0 && ageMs < config.freshForSeconds * 1000 }
    },
    note(route, tag, accept, { digest, mediaType, size }) {
      const kept = { digest, mediaType, size, checkedAt: clock.now() }
      return state.set(keyOf(route, tag, accept), JSON.stringify(kept), ttlSeconds)
    },
    forget: (route, tag, accept) => state.delete(keyOf(route, tag, accept)),
    drop: (route, reference) =>
      state.set(dropKeyOf(route, formatReference(reference)), String(clock.now()), ttlSeconds),
  }

  /** Nobody pushes through us where clients have no accounts. */
  function isDroppable({ upstream }: Route): boolean {
    return isPushEnabled && upstream.clientCredentials === 'relay'
  }

  async function isDropped(
    route: Route,
    tag: string,
    { digest, checkedAt }: { readonly digest: Digest; readonly checkedAt: number },
  ): Promise<boolean> {
    const times = await Promise.all([
      state.get(dropKeyOf(route, tag)),
      state.get(dropKeyOf(route, digest)),
    ])
    return times.some((time) => time !== undefined && Number(time) >= checkedAt)
  }
}

function dropKeyOf({ upstream, repository }: Route, reference: string): string {
  return `dropped/${upstream.name}/${repository}@${reference}`
}

/** What a record says to who looks after a store: whose tag, and what it resolves to. */
export interface NotedTag {
  readonly upstream: string
  readonly repository: string
  readonly tag: string
  readonly digest: Digest
}

/** Undefined for what is no record of a tag. */
export function parseNotedTag(key: string, value: string): NotedTag | undefined {
  const [, upstream, repository, tag] = /^tag\/([^/]+)\/([^:]+):([^#]+)#/.exec(key) ?? []
  if (upstream === undefined || repository === undefined || tag === undefined) return undefined
  const record = parseJson(value)
  const digest = isObject(record) ? record['digest'] : undefined
  if (typeof digest !== 'string' || !isDigest(digest)) return undefined
  return { upstream, repository, tag, digest }
}

function keyOf({ upstream, repository }: Route, tag: string, accept: string): string {
  return `tag/${upstream.name}/${repository}:${tag}#${accept}`
}
