import type { Logger } from '../ports.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { BlobWrite, Digest, Hasher } from '../ports.ts'
import { createChanges } from './changes.ts'
import type { Source } from './source.ts'
import type { ForgivingStore } from './store.ts'
import { createTail } from './tail.ts'

/**
 * A download that is written into the cache while clients follow it. Nothing here waits for a client, as
 * long as the store takes what comes; without a store the fastest client sets the pace.
 */
export interface Fill {
  readonly digest: Digest
  /** Undefined where the upstream does not say. */
  readonly size: number | undefined
  /** Bytes that have come so far. */
  received(): number
  follow(position: number): Follower
  /** Settles when the blob is in the store or has failed; never rejects. */
  readonly finished: Promise<void>
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
/** Waiting for the store at most; together they bound a fill's memory. */
const maxUnwrittenBytes = 1024 * 1024

export function startFill(options: FillOptions): Fill {
  const { digest, size, source, store, hasher, metrics, logger, upstream } = options
  const tail = createTail()
  const arrived = createChanges()
  const moved = createChanges()
  const followers = new Set<{ position: number }>()
  const { write } = options
  let isWritable = write !== undefined
  let unwritten: Uint8Array[] = []
  let unwrittenBytes = 0
  let writtenEnd = 0
  let writing: Promise<void> | undefined
  let isVerified = false
  let failure: Error | undefined

  let wasFollowed = false

  const finished = run()
  void finished.then(releaseAfterLast)

  return { digest, size, finished, received: () => tail.end, follow }

  async function run(): Promise<void> {
    try {
      for (let chunk = await source.next(); chunk; chunk = await source.next()) await take(chunk)
      await writing
      verify()
      isVerified = true
      arrived.announce()
      await commit()
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error))
      arrived.announce()
      await source.cancel(failure)
      logger.warn('a download into the cache failed', {
        upstream,
        digest,
        received: tail.end,
        error: failure.message,
      })
    }
  }

  /** Slow followers go on reading from the write, also when the blob is visible already. */
  async function releaseAfterLast(): Promise<void> {
    while (followers.size > 0 && !failure) await moved.next()
    await writing
    await write?.release()
  }

  async function take(chunk: Uint8Array<ArrayBuffer>): Promise<void> {
    if (size !== undefined && tail.end + chunk.byteLength > size)
      throw mismatch('it is longer than announced')
    hasher.update(chunk)
    tail.push(chunk)
    arrived.announce()
    if (!isWritable) return waitForFastest()
    unwritten.push(chunk)
    unwrittenBytes += chunk.byteLength
    writing ??= writeOut()
    if (unwrittenBytes > maxUnwrittenBytes) await writing
  }

  /** Hands everything that waits to the store in one call, again and again until nothing waits. */
  async function writeOut(): Promise<void> {
    while (unwritten.length > 0 && write && isWritable) {
      const batch = unwritten
      const bytes = unwrittenBytes
      unwritten = []
      unwrittenBytes = 0
      try {
        await write.append(batch)
        writtenEnd += bytes
        tail.release(writtenEnd, tailBytes)
      } catch (error) {
        store.reportWrite(error)
        isWritable = false
        unwritten = []
        unwrittenBytes = 0
      }
    }
    writing = undefined
  }

  /** Without a store: one that is slower than the fastest asks upstream for itself. */
  async function waitForFastest(): Promise<void> {
    tail.release(tail.end, tailBytes)
    for (;;) {
      if (followers.size === 0 && wasFollowed)
        throw new Error('nobody reads it, and nothing stores it')
      const fastest = Math.max(0, ...[...followers].map(({ position }) => position))
      if (fastest >= tail.end - tailBytes) return
      await moved.next()
    }
  }

  function verify(): void {
    if (size !== undefined && tail.end !== size) throw mismatch('it is shorter than announced')
    if (`${digest.slice(0, digest.indexOf(':'))}:${hasher.hex()}` !== digest)
      throw mismatch('its bytes are wrong')
  }

  function mismatch(what: string): DigestMismatch {
    metrics.digestMismatches.add(1, upstream)
    return new DigestMismatch(`${upstream} sent something else for ${digest}: ${what}`)
  }

  async function commit(): Promise<void> {
    if (!write || !isWritable) return
    try {
      await write.commit()
      store.reportCommit()
    } catch (error) {
      store.reportWrite(error)
    }
  }

  /** The last byte is held back until the digest is right: a client must not take wrong bytes for whole. */
  function available(): number {
    if (isVerified) return tail.end
    return Math.min(tail.end, (size ?? tail.end) - 1)
  }

  function follow(start: number): Follower {
    const self = { position: start }
    followers.add(self)
    wasFollowed = true
    const leave = (): void => {
      followers.delete(self)
      moved.announce()
    }
    return {
      leave,
      async next(maxBytes) {
        for (;;) {
          if (failure) throw failure
          const ready = available() - self.position
          if (ready > 0) {
            const bytes = await bytesAt(self.position, Math.min(ready, maxBytes))
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

  async function bytesAt(position: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const held = tail.at(position)
    if (held) return held.byteLength > length ? held.subarray(0, length) : held
    if (write?.read && position < writtenEnd)
      return write.read(position, Math.min(length, writtenEnd - position))
    throw new FellBehind('behind what is kept')
  }
}
