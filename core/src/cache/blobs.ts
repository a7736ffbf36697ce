import type { Answer, Outcome } from '../answer.ts'
import { RegistryError } from '../errors.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { ByteRange, Clock, CreateHasher } from '../ports.ts'
import type { RangeRequest } from '../request/byte-range.ts'
import { headBlob } from '../upstream/blobs.ts'
import { part, satisfiable, whole } from './blob-answer.ts'
import { UpstreamTrouble } from '../upstream/trouble.ts'
import type { BlobWanted, Downloads, JoinedFill } from './downloads.ts'
import { type FillBodyOptions, followFill, toBody } from './fill-body.ts'
import type { Holdings } from './holdings.ts'
import type { Fill } from './fill.ts'
import type { LinkedBlob } from './linked-blobs.ts'
import type { PassedBlob } from './passed-blobs.ts'
import { createFindQuicker, isFar, withinTime } from './quicker-range.ts'
import type { Source } from './source.ts'
import { checkEmpty, findSpoilt } from './spoilt.ts'
import type { ForgivingStore } from './store.ts'
import { createStoredBlobs } from './stored-blobs.ts'
import { toSource } from './stored-source.ts'

export interface BlobPull extends Omit<LinkedBlob, 'knownSize'> {
  readonly method: 'GET' | 'HEAD'
  readonly range: RangeRequest | undefined
  readonly waitUntil: (work: Promise<unknown>) => void
}

export interface BlobCacheOptions {
  readonly store: ForgivingStore
  readonly holdings: Holdings
  readonly downloads: Downloads
  /** Answers by a link where the platform or the operator wants one. */
  readonly link: (wanted: LinkedBlob) => Promise<Answer | undefined>
  /** Instead of downloads that are followed. */
  readonly pass: ((wanted: PassedBlob) => Promise<Answer>) | undefined
  readonly clock: Clock
  readonly createHasher: CreateHasher
  readonly metrics: Metrics
  readonly idleMs: number
  readonly answerMs: number
}

/** Blobs from the store, from a running download, or from upstream into the store: in this order. */
export function createBlobCache(options: BlobCacheOptions): (pull: BlobPull) => Promise<Answer> {
  const { store, holdings, downloads, link, pass, clock, createHasher, metrics } = options
  const findQuicker = createFindQuicker(downloads, clock)
  const storedBlobs = createStoredBlobs<Wanted>({ ...options, isMended: !pass, fetchRest })

  return async (pull) => {
    const holding = await holdings.find(pull.route, pull.digest)
    const isConfirmed = holding === undefined && (await confirm(pull))
    const wanted = { ...pull, knownSize: holding?.size }
    if (pull.method === 'HEAD') return head(wanted)
    const outcome = isConfirmed ? 'revalidated' : 'hit'
    const linked = await link(wanted)
    if (linked) return linked
    const stored = await fromStore(wanted, outcome)
    if (stored) return stored
    if (pass) return pass(wanted)
    const joined = await downloads.join(wanted)
    if (joined === 'stored') return (await fromStore(wanted, outcome)) ?? replace(wanted)
    const answer = await fromFill(wanted, joined)
    // Who has sent that is asked last now.
    return answer instanceof UpstreamTrouble ? replace(wanted, answer) : answer
  }

  /** What the store lists but cannot give, and what has come with wrong bytes, is fetched again. */
  async function replace(wanted: Wanted, spoilt?: UpstreamTrouble): Promise<Answer> {
    let trouble = spoilt
    for (let attempt = 0; attempt < 5; attempt++) {
      const joined = await downloads.join({ ...wanted, isStoredUseless: true })
      const answer = joined === 'stored' ? undefined : await fromFill(wanted, joined)
      if (answer && !(answer instanceof UpstreamTrouble)) return answer
      trouble = answer ?? trouble
      // Somebody else has just found out that it is there, and will find out the rest.
      await downloads.ended(wanted.digest)
    }
    const message = `the cache cannot read ${wanted.digest}: try again`
    throw trouble ?? new RegistryError('UNAVAILABLE', message)
  }

  /**
   * Content that is here because of another repository: whether this one holds it, only the upstream knows.
   * Throws when it does not; false when there is nothing here that could leak.
   */
  async function confirm(pull: BlobPull): Promise<boolean> {
    const { route, digest } = pull
    const isHere = (await store.stat(digest)) !== undefined || downloads.isRunningForOther(pull)
    if (!isHere) return false
    await headBlob(pull.upstream, { ...pull, repository: route.repository })
    await holdings.note(route, digest, { kind: 'blob' })
    return true
  }

  /** The size that a manifest says is verified; what a HEAD says is not. */
  async function head(wanted: Wanted): Promise<Answer> {
    const { route, upstream, digest, deadline, knownSize } = wanted
    const size = await storedBlobs.size(wanted)
    if (size !== undefined) return whole(digest, size, null, 'hit')
    const fill = await downloads.peek(digest)
    const fillSize = knownSize ?? fill?.size
    if (fill && fillSize !== undefined) return whole(digest, fillSize, null, 'collapsed')
    const asked = await headBlob(upstream, { repository: route.repository, digest, deadline })
    if (knownSize === undefined) await holdings.note(route, digest, { kind: 'blob' })
    return whole(digest, knownSize ?? asked.size, null, 'pass')
  }

  async function fromStore(wanted: Wanted, outcome: Outcome): Promise<Answer | undefined> {
    const { digest, range } = wanted
    const size = range && (await storedBlobs.size(wanted))
    if (range && size === undefined) return undefined
    const bytes = range && size !== undefined ? satisfiable(range, size) : undefined
    const stored = await storedBlobs.open(wanted, bytes)
    if (!stored || !bytes) return stored && whole(digest, stored.size, stored.content, outcome)
    return part(digest, bytes, stored.size, stored.content, outcome)
  }

  /** Where the store breaks in the middle of an answer: as for a range, and it is fetched into the store again. */
  async function fetchRest(wanted: Wanted, range: ByteRange, endsWhole: boolean): Promise<Body> {
    const deadline = clock.now() + options.answerMs
    const { body } = await replace({ ...wanted, range, deadline, endsWhole })
    wanted.waitUntil(downloads.ended(wanted.digest))
    // Small content of a store is no stream.
    return new Response(body).body as Body
  }

  /** Trouble: all its bytes are here, and wrong. */
  async function fromFill(wanted: Wanted, joined: JoinedFill): Promise<Answer | UpstreamTrouble> {
    if (!joined.isNew) metrics.coalesced.add(1)
    // A fill that nothing stores ends with its last follower: so it has one until the answer is decided.
    const hold = joined.fill.follow(0)
    try {
      const spoilt = await findSpoilt(clock, wanted, joined.fill)
      return spoilt ?? (await answerFrom(wanted, joined))
    } finally {
      hold.leave()
    }
  }

  async function answerFrom(wanted: Wanted, joined: JoinedFill): Promise<Answer> {
    const { digest, range, endsWhole = false } = wanted
    const { fill, isNew, isKept } = joined
    const { size } = fill
    const outcome = isNew ? (isKept ? 'miss' : 'pass') : 'collapsed'
    const detach = async (first: number, last: number | undefined): Promise<Source> => {
      // A download that is over has left the blob in the store.
      const stored =
        last === undefined ? undefined : await storedBlobs.open(wanted, { first, last })
      return stored ? toSource(stored.content) : downloads.openRange(wanted, first, last)
    }
    if (size === 0) await checkEmpty(wanted, fill)
    if (!range) {
      const last = size === undefined ? undefined : size - 1
      const check = checkOf(wanted, !fill.isKept())
      return whole(digest, size, followFill({ fill, first: 0, last, check, detach }), outcome)
    }
    if (size === undefined) return afterFill(wanted, fill)
    const bytes = satisfiable(range, size)
    const quicker = isFar(joined, bytes.first)
      ? (): Promise<Source | undefined> => findQuicker(wanted, joined, bytes)
      : undefined
    // The first client of a download can be told at once; others must not wait for the estimate.
    const own = isNew && !endsWhole ? await quicker?.() : undefined
    if (own) return part(digest, bytes, size, toBody(own), 'partial')
    const check = endsWhole ? checkOf(wanted, false) : undefined
    // What another endpoint sends from the middle of a blob on cannot be checked.
    const hurry = (isNew && !endsWhole) || !quicker || check ? {} : { hurry: quicker }
    const body = followFill({ fill, ...bytes, endsWhole, check, detach, ...hurry })
    return part(digest, bytes, size, body, outcome)
  }

  /**
   * Without a store, or where it fails on the way, whoever falls behind goes on by a download of its own: of several
   * endpoints, another's.
   */
  function checkOf({ upstream, digest }: Wanted, isFromStart: boolean): FillBodyOptions['check'] {
    if (upstream.config.endpoints.length === 1) return undefined
    const onMismatch = (): void => {
      metrics.digestMismatches.add(1, upstream.config.name)
    }
    return { createHasher, digest, isFromStart, onMismatch }
  }

  /** A range of a blob whose size nobody tells: known when all of it is here. */
  async function afterFill(wanted: Wanted, fill: Fill): Promise<Answer> {
    await withinTime(clock, fill.finished, wanted.deadline - clock.now())
    const stored = await fromStore(wanted, 'miss')
    if (stored) return stored
    throw new UpstreamTrouble(
      wanted.upstream.config.name,
      'timeout',
      'it does not tell the blob’s size',
    )
  }
}

type Wanted = BlobPull & BlobWanted & { readonly endsWhole?: boolean }
type Body = ReadableStream<Uint8Array>
