import type { Metrics } from '../observe/metrics.ts'
import type { Clock, CreateHasher, Digest, Logger } from '../ports.ts'
import { algorithmOf } from '../request/reference.ts'
import type { Route } from '../route.ts'
import { type BlobDownload, type BlobQuestion, downloadBlob } from '../upstream/blobs.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { type Fill, startFill } from './fill.ts'
import type { FillMemory } from './fill-memory.ts'
import type { Holdings } from './holdings.ts'
import { createSource, type Source } from './source.ts'
import type { ForgivingStore } from './store.ts'

/** Whose blob is wanted, and until when its headers must be there. */
export interface BlobWanted {
  readonly route: Route
  readonly upstream: Upstream
  readonly digest: Digest
  /** From the manifest that names it, where one was seen. */
  readonly knownSize: number | undefined
  /** What the store has cannot be read. */
  readonly isStoredUseless?: boolean
  readonly deadline: number
}

/** The downloads into the cache that run now: one a blob, however many clients want it. */
export interface Downloads {
  isRunning(digest: Digest): boolean
  /** The running download, once the upstream has answered it; undefined when there is none. */
  peek(digest: Digest): Promise<Fill | undefined>
  /** Whether it runs because of another repository, or with another caller's rights. */
  isRunningForOther(wanted: Owned & Pick<BlobWanted, 'digest'>): boolean
  /** Joins the running download or starts one; `stored` when the blob has come into the store meanwhile. */
  join(wanted: BlobWanted): Promise<JoinedFill | 'stored'>
  /** A download that only one client reads, from `first` to `last` or the end. */
  openRange(wanted: BlobWanted, first: number, last: number | undefined): Promise<Source>
  /** Resolves when the running download of a blob is over. */
  ended(digest: Digest): Promise<void>
  /** Resolves when no download runs. */
  idle(): Promise<void>
}

export interface JoinedFill {
  readonly fill: Fill
  /** This call has started it. */
  readonly isNew: boolean
  readonly startedAt: number
  readonly isKept: boolean
}

export interface DownloadsOptions {
  readonly store: ForgivingStore
  readonly holdings: Holdings
  readonly clock: Clock
  readonly createHasher: CreateHasher
  readonly metrics: Metrics
  readonly logger: Logger
  readonly idleMs: number
  readonly answerMs: number
  /** Those that began before the configuration changed, too. */
  readonly running: Map<Digest, Running>
  readonly memory: FillMemory
}

interface Running {
  readonly owner: string
  readonly started: Promise<Omit<JoinedFill, 'isNew'> | 'stored'>
}

export function createDownloads(options: DownloadsOptions): Downloads {
  const { store, holdings, clock, createHasher, metrics, logger, answerMs, running, memory } =
    options

  return {
    isRunning: (digest) => running.has(digest),
    async peek(digest) {
      const current = await running.get(digest)?.started.catch(() => undefined)
      return current === 'stored' ? undefined : current?.fill
    },
    isRunningForOther(wanted) {
      const current = running.get(wanted.digest)
      return current !== undefined && current.owner !== ownerOf(wanted)
    },
    async join(wanted) {
      const owner = ownerOf(wanted)
      for (;;) {
        const current = running.get(wanted.digest)
        if (!current) break
        const joined = await current.started.catch((error: unknown) => {
          // What the upstream says of another repository says nothing about this one.
          if (current.owner === owner) throw error
          return undefined
        })
        if (joined === 'stored') return 'stored'
        if (joined?.fill.failure()) await ended(wanted.digest)
        else if (joined) return { ...joined, isNew: false }
      }
      const mine = { owner, started: start(wanted) }
      running.set(wanted.digest, mine)
      void mine.started
        .then((started) => (started === 'stored' ? undefined : started.fill.finished))
        .catch(() => undefined)
        .finally(() => running.delete(wanted.digest))
      const started = await mine.started
      return started === 'stored' ? started : { ...started, isNew: true }
    },
    openRange,
    ended,
    async idle() {
      // The entries go in the same turn as the downloads end.
      while (running.size > 0) await Promise.all([...running.keys()].map(ended))
    },
  }

  async function ended(digest: Digest): Promise<void> {
    const started = await running.get(digest)?.started.catch(() => undefined)
    if (started && started !== 'stored') await started.fill.finished
    await Promise.resolve()
  }

  async function start(wanted: BlobWanted): Promise<Omit<JoinedFill, 'isNew'> | 'stored'> {
    const { route, upstream, digest, knownSize } = wanted
    // A download that ended after the caller looked has left the blob here.
    if (!wanted.isStoredUseless && (await store.stat(digest))) return 'stored'
    const { deadline } = wanted
    const first = await downloadBlob(upstream, { ...questionOf(wanted), deadline })
    const { size } = first
    if (knownSize === undefined) await holdings.note(route, digest, { kind: 'blob' })
    const write = await store.write(digest, size)
    const source = sourceOf(wanted, first, { start: 0, end: size, isPart: false })
    const hasher = createHasher(algorithmOf(digest))
    const fill = startFill({
      ...{ digest, size, source, write, store, hasher, clock, metrics, logger },
      upstream: upstream.config.name,
      memory: memory.share(),
    })
    return { fill, startedAt: clock.now(), isKept: write !== undefined }
  }

  async function openRange(
    wanted: BlobWanted,
    first: number,
    last: number | undefined,
  ): Promise<Source> {
    const download = await downloadBlob(
      wanted.upstream,
      { ...questionOf(wanted), deadline: clock.now() + answerMs },
      { first, last: last ?? Number.MAX_SAFE_INTEGER - 1 },
    )
    const end = last === undefined ? download.size : last + 1
    return sourceOf(wanted, download, { start: first, end, isPart: true })
  }

  function sourceOf(wanted: BlobWanted, first: BlobDownload, part: Part): Source {
    const { end } = part
    return createSource({
      ...part,
      first,
      resume: (position) =>
        downloadBlob(
          wanted.upstream,
          { ...questionOf(wanted), deadline: clock.now() + answerMs },
          position > 0
            ? { first: position, last: (end ?? Number.MAX_SAFE_INTEGER) - 1 }
            : undefined,
        ),
      clock,
      idleMs: options.idleMs,
      metrics,
      logger,
      upstream: wanted.upstream.config.name,
    })
  }
}

interface Part {
  readonly start: number
  readonly end: number | undefined
  readonly isPart: boolean
}

function questionOf({ route, digest, knownSize }: BlobWanted): Omit<BlobQuestion, 'deadline'> {
  return { repository: route.repository, digest, knownSize }
}

type Owned = Pick<BlobWanted, 'route' | 'upstream'>

function ownerOf({ route, upstream }: Owned): string {
  return `${route.upstream.name}/${route.repository}#${upstream.askerKey}`
}
