import type { PermitOptions } from './access/permit.ts'
import { createPrivateRepositories } from './access/private.ts'
import { createRelayAccess, type RelayAccess } from './access/relay-access.ts'
import { createSee, type See } from './access/visibility.ts'
import type { Answer } from './answer.ts'
import { createBlobCache } from './cache/blobs.ts'
import type { Delivery } from './cache/delivery.ts'
import { createDownloads } from './cache/downloads.ts'
import { createHoldings } from './cache/holdings.ts'
import { createKeepBlob } from './cache/keep-blob.ts'
import { createLinkedBlobs } from './cache/linked-blobs.ts'
import { toManifestAnswer } from './cache/manifest-answer.ts'
import { createManifestCache } from './cache/manifests.ts'
import { createFindMeaning } from './cache/meaning.ts'
import { createPassedBlobs } from './cache/passed-blobs.ts'
import { withForgiveness } from './cache/state.ts'
import { createStoreReport } from './cache/store-report.ts'
import { createForgivingStore } from './cache/store.ts'
import { createTags } from './cache/tags.ts'
import type { Config, UpstreamConfig } from './config/config.ts'
import type { Lasting } from './lasting.ts'
import { listReferrers, type ReferrersPull } from './listing/referrers.ts'
import { listTags } from './listing/tags.ts'
import { search } from './listing/search.ts'
import type { Digest, Ports } from './ports.ts'
import { everything, parseAccept } from './request/accept.ts'
import { parseByteRange } from './request/byte-range.ts'
import { isNotModified, isRangeStillValid } from './request/conditional.ts'
import { createPush, type PushStep } from './push/push.ts'
import type { Pull, Target } from './request/parse.ts'
import type { Reference } from './request/reference.ts'
import { createRouter, type Route } from './route.ts'
import { askAs, type Asker } from './upstream/asker.ts'
import { readBytes } from './upstream/body.ts'
import { maxManifestBytes } from './upstream/manifests.ts'
import type { UpstreamState } from './upstream/state.ts'
import type { Upstream } from './upstream/upstream.ts'
import { createUpstreams } from './upstream/upstreams.ts'

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
  search(
    upstreamName: string | undefined,
    query: string,
    isShown: (upstream: UpstreamConfig, repository: string) => boolean,
  ): Promise<Answer>
  /** What a tag means now; undefined where there is no such tag. */
  readonly findMeaning: PermitOptions['findMeaning']
  states(): readonly UpstreamState[]
  /** Resolves when no download into the cache runs. */
  idle(): Promise<void>
}

export interface MirrorOptions {
  readonly config: Config
  readonly ports: Ports
  readonly lasting: Lasting
  readonly delivery: Delivery
  /** Whether the operator's image lists leave anything of a repository to be asked for. */
  readonly mayAsk: (route: Route) => boolean
}

/** The pull itself: a routed request to the answer of the cache or, through it, of the upstream. */
export function createMirror(options: MirrorOptions): Mirror {
  const { config, ports, lasting, delivery } = options
  const { clock, createHasher, logger } = ports
  const { timeouts, cache } = config
  const { metrics } = lasting
  const report = createStoreReport(logger, metrics)
  const state = withForgiveness(ports.state, report)
  const volatile = withForgiveness(ports.volatile, report)
  const store = createForgivingStore(ports.blobs, report, clock)
  const holdings = createHoldings(state)
  const tags = createTags(state, clock, cache.tags, config.push.enabled)
  const { idleMs, answerMs } = timeouts
  const common = { store, holdings, clock, createHasher, metrics, logger, idleMs, answerMs }
  const { downloads: running, downloadMemory: memory } = lasting
  const downloads = createDownloads({ ...common, running, memory })
  const { presign, ingest } = ports
  const keep = createKeepBlob({ ...common, downloads, ingest, volatile })
  // What was kept but could not be linked to would be downloaded for nobody.
  const link = createLinkedBlobs({ store, presign, delivery, keep: presign && keep })
  const pass = delivery.passesThrough
    ? createPassedBlobs({ holdings, keep: ingest && keep })
    : undefined
  const router = createRouter(config)
  const findMeaning = createFindMeaning(tags)
  const findBlob = createBlobCache({ ...common, downloads, link, pass })
  const findManifest = createManifestCache({ ...common, tags, serveStaleOn: cache.serveStaleOn })
  const settings = { ...ports, state, volatile, metrics }
  const upstreams = createUpstreams(config, settings, lasting.upstreams)
  const relay = createRelayAccess({ ...options, metrics, ports: settings, router })
  const keepsDeleted = cache.serveStaleOn.has('not-found')
  const see = createSee(relay.grants, createPrivateRepositories(state, clock, keepsDeleted))

  return {
    relay,
    push: createPush({ ...options, ...common, ...relay, router, volatile, tags }),
    async pull(pull, route, context) {
      const { target } = pull
      const deadline = clock.now() + answerMs
      const seen = view({ pull, route, context, deadline, upstream: upstreams.of(route) }, target)
      const upstream = await seen
      const wanted = { pull, route, context, deadline, upstream }
      switch (target.kind) {
        case 'manifest':
          return pullManifest(wanted, target.reference)
        case 'blob':
          return pullBlob(wanted, target.digest)
        case 'tags':
          return listTags(pull, route, upstream, deadline)
        case 'referrers':
          return pullReferrers(wanted, target.digest)
      }
    },
    search: (name, query, isShown) =>
      search({
        query,
        upstream: upstreams.named(name),
        deadline: clock.now() + answerMs,
        isShown,
      }),
    findMeaning: (route, tag, asker) => {
      const upstream = upstreams.of(route)
      const asked = asker ? askAs(upstream, asker) : upstream
      return findMeaning(route, tag, asked, clock.now() + answerMs)
    },
    states: () => upstreams.states(),
    idle: () => downloads.idle(),
  }

  /** The upstream as this client may ask it. */
  function view(wanted: Wanted, target: Target): ReturnType<See> {
    const { route, upstream, deadline, context } = wanted
    const { headers, asker, isNamed = false } = context
    return see({ route, upstream, deadline, target, headers, asker, isNamed })
  }

  async function pullManifest(wanted: Wanted, reference: Reference): Promise<Answer> {
    const { route, context } = wanted
    const { headers } = context
    const accepted = parseAccept(headers.get('accept'))
    const { method } = wanted.pull
    const found = await findManifest({ ...wanted, method, reference, accepted })
    return toManifestAnswer(found, { accepted, reference, headers, route })
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
    const findTag: ReferrersPull['findTag'] = async (tag) => {
      const reference = { type: 'tag', tag } as const
      await view(wanted, { kind: 'manifest', reference })
      const accepted = everything
      const found = await findManifest({ ...wanted, method: 'GET', reference, accepted })
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
