import type { Outcome } from '../answer.ts'
import type { CacheConfig } from '../config/config.ts'
import { isUnknown } from '../errors.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Clock, CreateHasher, Digest, Logger, StoredBlob } from '../ports.ts'
import type { AcceptedTypes } from '../request/accept.ts'
import type { Reference } from '../request/reference.ts'
import type { Route } from '../route.ts'
import { headManifest } from '../upstream/manifests.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { createCompleteness } from './completeness.ts'
import type { Holdings } from './holdings.ts'
import { createManifestFetches, keyOf, question } from './manifest-fetches.ts'
import { createSingleFlight } from './single-flight.ts'
import { staleReason } from './stale-reason.ts'
import type { ForgivingStore } from './store.ts'
import type { TagRecord, Tags } from './tags.ts'

export interface ManifestPull {
  readonly method: 'GET' | 'HEAD'
  readonly route: Route
  readonly upstream: Upstream
  readonly reference: Reference
  readonly accepted: AcceptedTypes
  readonly deadline: number
}

export interface ManifestFound extends TagRecord {
  /** Undefined for HEAD where only the facts are known. */
  readonly content: StoredBlob['content'] | undefined
  readonly outcome: Outcome
}

export interface ManifestCacheOptions {
  readonly store: ForgivingStore
  readonly holdings: Holdings
  readonly tags: Tags
  readonly serveStaleOn: CacheConfig['serveStaleOn']
  readonly createHasher: CreateHasher
  readonly clock: Clock
  readonly metrics: Metrics
  readonly logger: Logger
}

/** Manifests by digest from the store; tags from what is remembered while fresh, then as the upstream says. */
export function createManifestCache(
  options: ManifestCacheOptions,
): (pull: ManifestPull) => Promise<ManifestFound> {
  const { store, holdings, tags, serveStaleOn } = options
  const isComplete = createCompleteness(store)
  const fetch = createManifestFetches(options)
  const checks = createSingleFlight<TagRecord | undefined>()

  return async (pull) => {
    const { reference } = pull
    return reference.type === 'digest'
      ? byDigest(pull, reference.digest)
      : byTag(pull, reference.tag)
  }

  async function byDigest(pull: ManifestPull, digest: Digest): Promise<ManifestFound> {
    const { route, upstream } = pull
    const holding = await holdings.find(route, digest)
    if (holding?.kind === 'manifest' && holding.mediaType !== undefined) {
      const found = await fromStore(
        pull,
        { ...holding, digest, mediaType: holding.mediaType },
        'hit',
      )
      if (found) return found
    } else if (await store.stat(digest)) {
      const confirmed = await headManifest(upstream, question(pull))
      if (confirmed) {
        await holdings.note(route, digest, { kind: 'manifest', ...confirmed })
        const found = await fromStore(pull, confirmed, 'revalidated')
        if (found) return found
      }
    }
    return fetch(pull, pull.reference)
  }

  async function byTag(pull: ManifestPull, tag: string): Promise<ManifestFound> {
    const { route, accepted } = pull
    const known = await tags.find(route, tag, accepted.key)
    if (!known) return fetchTag(pull, tag)
    if (known.isFresh) return fromRecord(pull, known.record, 'hit')
    return revalidate(pull, tag, known.record)
  }

  /** HEAD costs no Docker Hub quota, and nothing is fetched again while the digest stays the same. */
  async function revalidate(
    pull: ManifestPull,
    tag: string,
    record: TagRecord,
  ): Promise<ManifestFound> {
    const { route, upstream, accepted } = pull
    try {
      const key = keyOf(pull, pull.reference)
      const said = await checks.run(key, () => headManifest(upstream, question(pull)))
      // Size and type of what is here are verified; those of a HEAD are not.
      const current = said?.digest === record.digest ? record : said
      const spared = await spare(pull, record, current)
      if (spared) return spared
      if (!current) return await fetchTag(pull, tag)
      await holdings.note(route, current.digest, { kind: 'manifest', ...current })
      const found = await fromMoved(pull, record, current)
      if (!found) return await fetchTag(pull, tag)
      // The old record goes only now: until the new content is here, it is what trouble leaves us with.
      await tags.note(route, tag, accepted.key, current)
      return found
    } catch (error) {
      return stale(pull, tag, record, error)
    }
  }

  /** The old content, where the new one would cost one of the last pulls that a rate limit allows. */
  async function spare(pull: ManifestPull, old: TagRecord, current?: TagRecord) {
    if (!pull.upstream.isScarce() || current?.digest === old.digest) return undefined
    if (current && (await store.stat(current.digest))) return undefined
    return (await isComplete(old.digest)) ? fromStore(pull, old, 'stale-spared') : undefined
  }

  /** Undefined where the upstream does not have what it has just named. */
  async function fromMoved(pull: ManifestPull, old: TagRecord, current: TagRecord) {
    try {
      // A client that is told of a digest asks for it next, or compares it and never does: it must be here.
      if (current !== old && pull.method === 'HEAD') await keepMoved(pull, current.digest)
      return await fromRecord(pull, current, 'revalidated')
    } catch (error) {
      if (isUnknown(error)) return undefined
      throw error
    }
  }

  async function keepMoved(pull: ManifestPull, digest: Digest): Promise<void> {
    if (!(await store.stat(digest))) await fetch(pull, { type: 'digest', digest })
  }

  async function stale(
    pull: ManifestPull,
    tag: string,
    record: TagRecord,
    error: unknown,
  ): Promise<ManifestFound> {
    const reason = staleReason(error, pull.route)
    if (reason && serveStaleOn.has(reason) && (await isComplete(record.digest))) {
      const found = await fromStore(pull, record, `stale-${reason}`)
      if (found) return found
    }
    if (isUnknown(error)) await tags.forget(pull.route, tag, pull.accepted.key)
    throw error
  }

  async function fetchTag(pull: ManifestPull, tag: string): Promise<ManifestFound> {
    const found = await fetch(pull, pull.reference)
    await tags.note(pull.route, tag, pull.accepted.key, found)
    return found
  }

  /** A tag's record is proof enough that the repository holds what it resolves to. */
  async function fromRecord(
    pull: ManifestPull,
    record: TagRecord,
    outcome: Outcome,
  ): Promise<ManifestFound> {
    if (pull.method === 'HEAD' && !pull.upstream.isTroubled()) {
      store.used(record.digest)
      return { ...record, content: undefined, outcome }
    }
    const found = await fromStore(pull, record, outcome)
    return found ?? fetch(pull, { type: 'digest', digest: record.digest })
  }

  async function fromStore(
    pull: ManifestPull,
    record: Omit<TagRecord, 'size'> & { readonly size?: number | undefined },
    outcome: Outcome,
  ): Promise<ManifestFound | undefined> {
    const { digest, mediaType, size } = record
    // Clients choose their mirror by the manifest and fail when its blobs do not come (clients.md, 0.5).
    if (pull.upstream.isTroubled() && !(await isComplete(digest))) return undefined
    const stored = await store.open(digest)
    // What the disk has cut is fetched again, and replaced.
    if (!stored || (size ?? 0) > stored.size) return undefined
    return { digest, mediaType, size: stored.size, content: stored.content, outcome }
  }
}
