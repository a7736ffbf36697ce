import type { Answer, Outcome } from '../answer.ts'
import { RegistryError } from '../errors.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { ByteRange, Clock, Digest } from '../ports.ts'
import { formatContentRange, type RangeRequest, resolveByteRange } from '../request/byte-range.ts'
import { etagOf } from '../request/conditional.ts'
import { headBlob } from '../upstream/blobs.ts'
import type { BlobWanted, Downloads, JoinedFill } from './downloads.ts'
import { followFill, toBody } from './fill-body.ts'
import type { Holdings } from './holdings.ts'
import type { Source } from './source.ts'
import type { ForgivingStore } from './store.ts'

export interface BlobPull extends Omit<BlobWanted, 'knownSize'> {
  readonly method: 'GET' | 'HEAD'
  readonly range: RangeRequest | undefined
}

export interface BlobCacheOptions {
  readonly store: ForgivingStore
  readonly holdings: Holdings
  readonly downloads: Downloads
  readonly clock: Clock
  readonly metrics: Metrics
}

/** Blobs from the store, from a running download, or from upstream into the store: in this order. */
export function createBlobCache(options: BlobCacheOptions): (pull: BlobPull) => Promise<Answer> {
  const { store, holdings, downloads, clock, metrics } = options

  return async (pull) => {
    const holding = await holdings.find(pull.route, pull.digest)
    const confirmed = holding ? undefined : await confirm(pull)
    const wanted = { ...pull, knownSize: holding?.size ?? confirmed }
    if (pull.method === 'HEAD') return head(wanted)
    const outcome = confirmed === undefined ? 'hit' : 'revalidated'
    const stored = await fromStore(wanted, outcome)
    if (stored) return stored
    const joined = await downloads.join(wanted)
    const answer =
      joined === 'stored' ? await fromStore(wanted, outcome) : await fromFill(wanted, joined)
    if (answer) return answer
    throw new RegistryError('BLOB_UNKNOWN', `the cache has lost ${pull.digest}: try again`)
  }

  /** Content that is here because of another repository: whether this one holds it, only the upstream knows. */
  async function confirm(pull: BlobPull): Promise<number | undefined> {
    const stat = await store.stat(pull.digest)
    if (!stat && !downloads.isRunning(pull.digest)) return undefined
    const { size } = await headBlob(pull.upstream, { ...pull, repository: pull.route.repository })
    await holdings.note(pull.route, pull.digest, { kind: 'blob', size: size ?? stat?.size })
    return size ?? stat?.size
  }

  async function head(wanted: Wanted): Promise<Answer> {
    const { route, upstream, digest, deadline, knownSize } = wanted
    const stat = await store.stat(digest)
    if (stat) return whole(digest, stat.size, null, 'hit')
    if (knownSize !== undefined && downloads.isRunning(digest))
      return whole(digest, knownSize, null, 'collapsed')
    const { size } = await headBlob(upstream, { repository: route.repository, digest, deadline })
    await holdings.note(route, digest, { kind: 'blob', size })
    return whole(digest, size, null, 'pass')
  }

  async function fromStore(
    { digest, range }: Wanted,
    outcome: Outcome,
  ): Promise<Answer | undefined> {
    if (!range) {
      const stored = await store.open(digest)
      return stored && whole(digest, stored.size, stored.content, outcome)
    }
    const stat = await store.stat(digest)
    if (!stat) return undefined
    const wanted = satisfiable(range, stat.size)
    const stored = await store.open(digest, wanted)
    return stored && part(digest, wanted, stored.size, stored.content, outcome)
  }

  async function fromFill(wanted: Wanted, joined: JoinedFill): Promise<Answer> {
    const { digest, range } = wanted
    const { fill, isNew, isKept } = joined
    const { size } = fill
    if (!isNew) metrics.coalesced.add(1)
    const outcome = isNew ? (isKept ? 'miss' : 'pass') : 'collapsed'
    const detach = (first: number, last: number | undefined): Promise<Source> =>
      downloads.openRange(wanted, first, last)
    if (!range || size === undefined) {
      const last = size === undefined ? undefined : size - 1
      return whole(digest, size, followFill({ fill, first: 0, last, detach }), outcome)
    }
    const bytes = satisfiable(range, size)
    const own = (await isSoonerElsewhere(joined, bytes.first))
      ? await tryRange(wanted, bytes)
      : undefined
    if (own) return part(digest, bytes, size, toBody(own), 'partial')
    return part(
      digest,
      bytes,
      size,
      followFill({ fill, first: bytes.first, last: bytes.last, detach }),
      outcome,
    )
  }

  async function tryRange(wanted: Wanted, { first, last }: ByteRange): Promise<Source | undefined> {
    try {
      return await downloads.openRange(wanted, first, last)
    } catch {
      return undefined
    }
  }

  /** Estimates when the fill reaches a position; a request of its own costs about a round trip or two. */
  async function isSoonerElsewhere(
    { fill, isNew, startedAt }: JoinedFill,
    position: number,
  ): Promise<boolean> {
    if (position - fill.received() <= nearBytes) return false
    if (isNew) await clock.sleep(measureMs)
    const bytesPerMs = fill.received() / Math.max(1, clock.now() - startedAt)
    return position - fill.received() > bytesPerMs * (isNew ? patienceMs : followerPatienceMs)
  }
}

type Wanted = BlobPull & BlobWanted

/** Closer than this to what has come, the fill is there before any request could be. */
const nearBytes = 1024 * 1024
const measureMs = 150
const patienceMs = 1_000
/** During a running download, one upstream request is worth more than a quick start, up to this wait. */
const followerPatienceMs = 10_000

function satisfiable(range: RangeRequest, size: number): ByteRange {
  const bytes = resolveByteRange(range, size)
  if (bytes) return bytes
  throw new RegistryError(
    'RANGE_INVALID',
    `the blob has ${String(size)} bytes: ask for a range within them`,
    {
      headers: { 'content-range': `bytes */${String(size)}`, 'accept-ranges': 'bytes' },
    },
  )
}

function whole(
  digest: Digest,
  size: number | undefined,
  body: Answer['body'],
  outcome: Outcome,
): Answer {
  const headers = headersOf(digest)
  if (size !== undefined) headers['content-length'] = String(size)
  return { status: 200, headers, body, outcome }
}

function part(
  digest: Digest,
  range: ByteRange,
  size: number,
  body: Answer['body'],
  outcome: Outcome,
): Answer {
  const headers = headersOf(digest)
  headers['content-length'] = String(range.last + 1 - range.first)
  headers['content-range'] = formatContentRange(range, size)
  return { status: 206, headers, body, outcome }
}

function headersOf(digest: Digest): Record<string, string> {
  return {
    'content-type': 'application/octet-stream',
    'docker-content-digest': digest,
    etag: etagOf(digest),
    'accept-ranges': 'bytes',
  }
}
