import type { Metrics } from '../observe/metrics.ts'
import type { BlobWrite, Clock, Digest, Hasher, Logger } from '../ports.ts'
import { algorithmOf } from '../request/reference.ts'
import { createChanges } from './changes.ts'
import { createFollowers } from './followers.ts'
import type { MemoryShare } from './fill-memory.ts'
import { createKeptBytes } from './kept-bytes.ts'
import type { Source } from './source.ts'
import type { ForgivingStore } from './store.ts'

/**
 * A download that is written into the cache while clients follow it. Nothing here waits for a client, as
 * long as the store takes what comes; without a store the fastest client sets the pace.
 */
export interface Fill {
  /** Undefined where the upstream does not say. */
  readonly size: number | undefined
  /** It goes into the store, and so to its end, whatever clients do. */
  isKept(): boolean
  /** Bytes that have come so far. */
  received(): number
  follow(position: number): Follower
  /** Resolves when the byte at a position is here, or none will come. */
  reach(position: number): Promise<void>
  /** Settles when the blob is in the store or has failed; never rejects. */
  readonly finished: Promise<void>
  /** Why it has failed. */
  failure(): Error | undefined
}

export interface Follower {
  /**
   * Waits for bytes at the position and moves past them; undefined after the blob's last byte. Throws when
   * the download has failed, or FellBehind. The bytes are shared and must not be changed, unless they are in
   * `into`, memory of at least `maxBytes` that may be used for them.
   */
  next(
    maxBytes: number,
    into?: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer> | undefined>
  /** Reads no more, and yet the download goes on to its end: somebody wants to know whether it is right. */
  witness(): void
  leave(): void
}

/** All clients have left, and there is no store to go on for. */
class Abandoned extends Error {
  override readonly name = 'Abandoned'
}

/** The upstream's bytes are not the ones that the digest names. */
export class DigestMismatch extends Error {
  override readonly name = 'DigestMismatch'
}

export interface FillOptions {
  readonly digest: Digest
  readonly size: number | undefined
  readonly source: Source
  readonly write: BlobWrite | undefined
  readonly store: ForgivingStore
  readonly hasher: Hasher
  readonly clock: Clock
  readonly metrics: Metrics
  readonly logger: Logger
  readonly upstream: string
  readonly memory?: MemoryShare
}

export function startFill(options: FillOptions): Fill {
  const { digest, size, source, write, store, hasher, clock, metrics, logger, upstream } = options
  const kept = createKeptBytes(write, store, clock, options.memory)
  const arrived = createChanges()
  const followers = createFollowers(abandon)
  let hadFollowers = false
  let isAbandoned = false
  let isVerified = false
  let failure: Error | undefined

  const finished = run()
  void finished.then(releaseAfterLast)

  return {
    size,
    finished,
    isKept: () => kept.isStored(),
    received: () => kept.end(),
    failure: () => failure,
    follow,
    async reach(position) {
      while (kept.end() <= position && !isVerified && !failure) await arrived.next()
    },
  }

  async function run(): Promise<void> {
    try {
      for (let chunk = await source.next(); chunk; chunk = await source.next()) await take(chunk)
      checkAbandoned()
      verify()
      isVerified = true
      arrived.announce()
      await kept.commit()
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error))
      arrived.announce()
      if (failure instanceof DigestMismatch) source.blame(failure.message)
      await source.cancel(failure)
      const fields = { upstream, digest, received: kept.end(), error: failure.message }
      logger.warn('a download into the cache failed', fields)
    }
  }

  /** Slow followers go on reading from the write, also when the blob is visible already. */
  async function releaseAfterLast(): Promise<void> {
    while (followers.count() > 0 && !failure) await followers.changed()
    await kept.release()
  }

  async function take(chunk: Uint8Array<ArrayBuffer>): Promise<void> {
    if (size !== undefined && kept.end() + chunk.byteLength > size)
      throw mismatch('it is longer than announced')
    hasher.update(chunk)
    kept.add(chunk)
    arrived.announce()
    await (kept.isStored() ? kept.store(chunk) : waitForFastest())
  }

  /** Without a store: a client that is slower than the fastest asks upstream for itself. */
  async function waitForFastest(): Promise<void> {
    while (followers.count() > 0 && followers.fastest() < kept.tailStart())
      await followers.changed()
    if (followers.count() === 0) abandon()
    checkAbandoned()
    kept.trim()
  }

  /** The last client has left. Without a store there is nobody to go on for. */
  function abandon(): void {
    if (!hadFollowers || kept.isStored() || isVerified || failure) return
    isAbandoned = true
    void source.cancel('nobody reads it')
  }

  function checkAbandoned(): void {
    if (isAbandoned) throw new Abandoned('nobody reads it, and nothing stores it')
  }

  function verify(): void {
    if (size !== undefined && kept.end() !== size) throw mismatch('it is shorter than announced')
    if (`${algorithmOf(digest)}:${hasher.hex()}` !== digest) throw mismatch('its bytes are wrong')
  }

  function mismatch(what: string): DigestMismatch {
    metrics.digestMismatches.add(1, upstream)
    return new DigestMismatch(`${upstream} sent something else for ${digest}: ${what}`)
  }

  /** The last byte is held back until the digest is right: a client must not take wrong bytes for whole. */
  function available(): number {
    return isVerified ? kept.end() : Math.min(kept.end(), (size ?? kept.end()) - 1)
  }

  function follow(start: number): Follower {
    hadFollowers = true
    const place = followers.add(start)
    return {
      witness: () => {
        place.witness()
      },
      leave: () => {
        place.leave()
      },
      async next(maxBytes, into) {
        for (;;) {
          throwIfFailed()
          const ready = available() - place.position
          if (ready > 0) {
            const length = Math.min(ready, maxBytes)
            const bytes = await kept.at(place.position, length, into).catch(orFailure)
            throwIfFailed()
            place.moveBy(bytes.byteLength)
            return bytes
          }
          if (isVerified) return undefined
          await arrived.next()
        }
      },
    }
  }

  /** That the content is wrong tells more than that it cannot be read any more. */
  function orFailure(error: unknown): never {
    throwIfFailed()
    throw error
  }

  function throwIfFailed(): void {
    if (failure) throw failure
  }
}
