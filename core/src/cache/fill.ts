import type { Metrics } from '../observe/metrics.ts'
import type { BlobWrite, Digest, Hasher, Logger } from '../ports.ts'
import { algorithmOf } from '../request/reference.ts'
import { createChanges } from './changes.ts'
import type { Source } from './source.ts'
import { createSpool } from './spool.ts'
import type { ForgivingStore } from './store.ts'
import { createTail } from './tail.ts'

/**
 * A download that is written into the cache while clients follow it. Nothing here waits for a client, as
 * long as the store takes what comes; without a store the fastest client sets the pace.
 */
export interface Fill {
  /** Undefined where the upstream does not say. */
  readonly size: number | undefined
  /** Bytes that have come so far. */
  received(): number
  follow(position: number): Follower
  /** Settles when the blob is in the store or has failed; never rejects. */
  readonly finished: Promise<void>
  /** Why it has failed. */
  failure(): Error | undefined
}

export interface Follower {
  /**
   * Waits for bytes at the position and moves past them; undefined after the blob's last byte. Throws when
   * the download has failed, or FellBehind.
   */
  next(maxBytes: number): Promise<Uint8Array<ArrayBuffer> | undefined>
  leave(): void
}

/** The bytes that a follower needs are neither in memory nor in the store any more. */
export class FellBehind extends Error {
  override readonly name = 'FellBehind'
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
  readonly metrics: Metrics
  readonly logger: Logger
  readonly upstream: string
}

/** Kept in memory per fill, so that clients at its end cost no read. */
const tailBytes = 1024 * 1024

export function startFill(options: FillOptions): Fill {
  const { digest, size, source, write, store, hasher, metrics, logger, upstream } = options
  const tail = createTail()
  const arrived = createChanges()
  const moved = createChanges()
  const followers = new Set<{ position: number }>()
  const spool = createSpool(write, store, () => {
    tail.release(spool.end(), tailBytes)
  })
  let wasFollowed = false
  let isVerified = false
  let failure: Error | undefined

  const finished = run()
  void finished.then(releaseAfterLast)

  return { size, finished, received: () => tail.end, failure: () => failure, follow }

  async function run(): Promise<void> {
    try {
      for (let chunk = await source.next(); chunk; chunk = await source.next()) await take(chunk)
      verify()
      isVerified = true
      arrived.announce()
      await spool.commit()
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error))
      arrived.announce()
      await source.cancel(failure)
      const fields = { upstream, digest, received: tail.end, error: failure.message }
      logger.warn('a download into the cache failed', fields)
    }
  }

  /** Slow followers go on reading from the write, also when the blob is visible already. */
  async function releaseAfterLast(): Promise<void> {
    while (followers.size > 0 && !failure) await moved.next()
    await spool.release()
  }

  async function take(chunk: Uint8Array<ArrayBuffer>): Promise<void> {
    if (size !== undefined && tail.end + chunk.byteLength > size)
      throw mismatch('it is longer than announced')
    hasher.update(chunk)
    tail.push(chunk)
    arrived.announce()
    await (spool.isOpen() ? spool.put(chunk) : waitForFastest())
  }

  /** Without a store: a client that is slower than the fastest asks upstream for itself. */
  async function waitForFastest(): Promise<void> {
    while (followers.size > 0) {
      const fastest = Math.max(...[...followers].map(({ position }) => position))
      if (fastest >= tail.end - tailBytes) break
      await moved.next()
    }
    if (followers.size === 0 && wasFollowed)
      throw new Abandoned('nobody reads it, and nothing stores it')
    tail.release(tail.end, tailBytes)
  }

  function verify(): void {
    if (size !== undefined && tail.end !== size) throw mismatch('it is shorter than announced')
    if (`${algorithmOf(digest)}:${hasher.hex()}` !== digest) throw mismatch('its bytes are wrong')
  }

  function mismatch(what: string): DigestMismatch {
    metrics.digestMismatches.add(1, upstream)
    return new DigestMismatch(`${upstream} sent something else for ${digest}: ${what}`)
  }

  /** The last byte is held back until the digest is right: a client must not take wrong bytes for whole. */
  function available(): number {
    return isVerified ? tail.end : Math.min(tail.end, (size ?? tail.end) - 1)
  }

  function follow(start: number): Follower {
    const self = { position: start }
    followers.add(self)
    wasFollowed = true
    moved.announce()
    return {
      leave() {
        followers.delete(self)
        moved.announce()
      },
      async next(maxBytes) {
        for (;;) {
          if (failure) throw failure
          const ready = available() - self.position
          if (ready > 0) {
            const bytes = await bytesAt(self.position, Math.min(ready, maxBytes)).catch(orFailure)
            if (failure) throw failure
            self.position += bytes.byteLength
            moved.announce()
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
    throw failure ?? (error as Error)
  }

  async function bytesAt(position: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const held = tail.at(position)
    if (held) return held.byteLength > length ? held.subarray(0, length) : held
    try {
      const stored = await spool.read(position, length)
      if (stored) return stored
    } catch (cause) {
      throw new FellBehind('what is kept cannot be read', { cause })
    }
    throw new FellBehind('behind what is kept')
  }
}
