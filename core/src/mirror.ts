import { createPrivateRepositories } from './access/private.ts'
import { createRelayAccess, type RelayAccess } from './access/relay-access.ts'
import { createSee } from './access/visibility.ts'
import type { Answer } from './answer.ts'
import { createBlobCache } from './cache/blobs.ts'
import type { Delivery } from './cache/delivery.ts'
import { createDownloads } from './cache/downloads.ts'
import { createHoldings } from './cache/holdings.ts'
import { createLinkedBlobs } from './cache/linked-blobs.ts'
import { createKeepManifest } from './cache/keep-manifest.ts'
import { createManifestCache, type ManifestFound } from './cache/manifests.ts'
import { createPassedBlobs } from './cache/passed-blobs.ts'
import { withForgiveness } from './cache/state.ts'
import { createStoreReport } from './cache/store-report.ts'
import { createForgivingStore } from './cache/store.ts'
import { createTags } from './cache/tags.ts'
import type { Config } from './config/config.ts'
import { RegistryError } from './errors.ts'
import { listReferrers } from './listing/referrers.ts'
import { listTags } from './listing/tags.ts'
import { search } from './listing/search.ts'
import type { Metrics } from './observe/metrics.ts'
import type { Digest, Ports } from './ports.ts'
import { everything, parseAccept } from './request/accept.ts'
import { parseByteRange } from './request/byte-range.ts'
import { etagOf, isNotModified, isRangeStillValid } from './request/conditional.ts'
import { createLocations } from './push/locations.ts'
import { createPush, type PushStep } from './push/push.ts'
import { createPushedManifests } from './push/pushed.ts'
import type { Pull, Target } from './request/parse.ts'
import { formatReference, type Reference } from './request/reference.ts'
import { createRouter, type Route } from './route.ts'
import type { Asker } from './upstream/asker.ts'
import { readBytes } from './upstream/body.ts'
import { maxManifestBytes } from './upstream/manifests.ts'
import { createUpstream, type Upstream } from './upstream/upstream.ts'

/** What of a request, beside its address, decides about its answer. */
export interface PullContext {
  readonly headers: Headers
  readonly waitUntil: (work: Promise<unknown>) => void
  /** At a relay upstream: the caller's own rights there. */
  readonly asker?: Asker | undefined
  /** A rule names this very user for this image. */
  readonly isNamed?: boolean
}

export interface Mirror {
  pull(pull: Pull, route: Route, context: PullContext): Promise<Answer>
  /** One step of a push to a relay upstream. */
  push(step: PushStep): Promise<Response>
  readonly relay: RelayAccess
  search(upstreamName: string | undefined, query: string): Promise<Answer>
  /** Resolves when no download into the cache runs. */
  idle(): Promise<void>
}

/** The pull itself: a routed request to the answer of the cache or, through it, of the upstream. */
export function createMirror(
  config: Config,
  ports: Ports,
  metrics: Metrics,
  delivery: Delivery,
  mayAsk: (route: Route) => boolean = () => true,
): Mirror {
  const { clock, createHasher, logger, fetch } = ports
  const { timeouts, cache } = config
  const report = createStoreReport(logger, metrics)
  const state = withForgiveness(ports.state, report)
  const volatile = withForgiveness(ports.volatile, report)
  const store = createForgivingStore(ports.blobs, report)
  const holdings = createHoldings(state)
  const tags = createTags(state, clock, cache.tags, config.push.enabled)
  const { idleMs, answerMs } = timeouts
  const common = { store, holdings, clock, createHasher, metrics, logger, idleMs, answerMs }
  const downloads = createDownloads(common)
  const { presign, ingest } = ports
  const link = createLinkedBlobs({ store, presign, delivery })
  const pass = delivery.passesThrough
    ? createPassedBlobs({ ...common, downloads, ingest, volatile })
    : undefined
  const findBlob = createBlobCache({ ...common, downloads, link, pass })
  const findManifest = createManifestCache({ ...common, tags, serveStaleOn: cache.serveStaleOn })
  const router = createRouter(config)
  const relay = createRelayAccess({
    config,
    ports: { ...ports, state, volatile },
    metrics,
    router,
    mayAsk,
  })
  const see = createSee(relay.grants, createPrivateRepositories(state, clock))
  const push = createPush({
    router,
    sendTo: relay.sendTo,
    locations: createLocations({ volatile, createHasher }),
    pushed: createPushedManifests({ ...common, tags, keep: createKeepManifest(common) }),
    delivery,
    clock,
    idleMs,
    mayAsk,
  })
  const upstreams = new Map<string, Upstream>()
  for (const upstream of config.upstreams.values()) {
    upstreams.set(
      upstream.name,
      createUpstream(upstream, { fetch, clock, createHasher, state, volatile, timeouts, metrics }),
    )
  }

  return {
    relay,
    push,
    async pull(pull, route, context) {
      const known = upstreams.get(route.upstream.name)
      if (!known) throw new Error(`no upstream ${route.upstream.name}`)
      const { target } = pull
      const deadline = clock.now() + answerMs
      const upstream = await view({ pull, route, upstream: known, deadline, context }, target)
      const wanted = { pull, route, upstream, deadline, context }
      switch (target.kind) {
        case 'manifest':
          return pullManifest(wanted, target.reference)
        case 'blob':
          return pullBlob(wanted, target.digest)
        case 'tags':
          return listTags(pull, route, upstream, wanted.deadline)
        case 'referrers':
          return pullReferrers(wanted, target.digest)
      }
    },
    search: (name, query) => search(query, upstreams.get(name ?? ''), clock.now() + answerMs),
    idle: () => downloads.idle(),
  }

  /** The upstream as this client may ask it. */
  function view({ context, ...wanted }: Wanted, target: Target): Promise<Upstream> {
    const { headers, asker, isNamed = false } = context
    return see({ ...wanted, target, asker, isNamed, accept: headers.get('accept') })
  }

  async function pullManifest(wanted: Wanted, reference: Reference): Promise<Answer> {
    const { pull, route, upstream, deadline, context } = wanted
    const { headers } = context
    const accepted = parseAccept(headers.get('accept'))
    const found = await findManifest({
      method: pull.method,
      route,
      upstream,
      reference,
      accepted,
      deadline,
    })
    if (!accepted.accepts(found.mediaType)) {
      await discardContent(found)
      throw new RegistryError(
        'MANIFEST_UNKNOWN',
        `${route.repository} has ${formatReference(reference)} as ${found.mediaType}: add that type to the Accept header`,
      )
    }
    const isUnchanged = isNotModified(headers.get('if-none-match'), found.digest)
    return {
      status: isUnchanged ? 304 : 200,
      headers: {
        'content-type': found.mediaType,
        'content-length': String(found.size),
        'docker-content-digest': found.digest,
        etag: etagOf(found.digest),
      },
      body: found.content ?? null,
      outcome: found.outcome,
    }
  }

  async function pullBlob(wanted: Wanted, digest: Digest): Promise<Answer> {
    const { pull, context } = wanted
    const { headers } = context
    const isUnchanged = isNotModified(headers.get('if-none-match'), digest)
    const range = isRangeStillValid(headers.get('if-range'), digest)
      ? parseByteRange(headers.get('range'))
      : undefined
    const answer = await findBlob({
      ...wanted,
      isSecret: pull.isSecret ?? false,
      digest,
      range,
      method: isUnchanged ? 'HEAD' : pull.method,
      waitUntil: context.waitUntil,
    })
    // The client may leave before the blob is stored, or read no more than a part of it.
    if (downloads.isRunning(digest)) context.waitUntil(downloads.ended(digest))
    return isUnchanged ? { ...answer, status: 304 } : answer
  }

  async function pullReferrers(wanted: Wanted, digest: Digest): Promise<Answer> {
    const findTag = async (
      tag: string,
    ): Promise<{ digest: Digest; bytes: Uint8Array<ArrayBuffer> } | undefined> => {
      const { route, upstream, deadline } = wanted
      const reference = { type: 'tag', tag } as const
      await view(wanted, { kind: 'manifest', reference })
      const found = await findManifest({
        method: 'GET',
        route,
        upstream,
        reference,
        accepted: everything,
        deadline,
      })
      const bytes = await readBytes(new Response(found.content), maxManifestBytes)
      return bytes && { digest: found.digest, bytes }
    }
    return listReferrers({ ...wanted, digest, findTag })
  }
}

interface Wanted {
  readonly pull: Pull
  readonly route: Route
  readonly upstream: Upstream
  readonly deadline: number
  readonly context: PullContext
}

async function discardContent({ content }: ManifestFound): Promise<void> {
  if (content instanceof ReadableStream) await content.cancel().catch(() => undefined)
}
