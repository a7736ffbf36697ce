import { type Clock, type Digest, type Logger, NoRoomError } from '@pullway/core'
import { evict } from './cache-evict.ts'
import type { CacheIndex } from './cache-index.ts'
import { readNames } from './cache-names.ts'
import { spareBytes } from './disk-room.ts'
import type { FileSystem } from './file-system.ts'

/** Who writes into a cache asks here first, so that it stays within its limit. */
export interface CacheRoom {
  /** Takes room for so many bytes, and makes it where need be. Throws NoRoomError. */
  take(bytes: number): Promise<void>
  give(bytes: number): void
  /** Knows of content before `move` makes it visible: a manifest must keep its blobs from then on. */
  commit(digest: Digest, aside: string, size: number, move: () => Promise<void>): Promise<void>
  /** The disk has no room for what somebody writes: takes away as much, if there is. */
  clear(missing: () => Promise<number>): Promise<void>
  /** Looks what others did, and goes back to the limit. Never throws. */
  tidy(): Promise<void>
  usage(): CacheUsage
}

export interface CacheUsage {
  readonly bytes: number
  /** Since the process began. */
  readonly evictedBytes: number
}

export interface CacheRoomOptions {
  readonly path: string
  readonly clock: Clock
  readonly logger: Logger
  readonly files: FileSystem
  readonly index: CacheIndex
  readonly maxBytes: number | undefined
}

/** How full a cache is left that was too full, what is being written included: not every write makes room. */
const lowWater = 0.9
/** A client waits for its download meanwhile. */
const patienceMs = 2_000
/** For so long what other processes write may go unseen. */
const lookAgainMs = 2_000

export function createCacheRoom(options: CacheRoomOptions): CacheRoom {
  const { clock, logger, files, index, maxBytes = Infinity } = options
  let taken = 0
  let evictedBytes = 0
  let lookedAt = -Infinity
  let isFailing = false
  let tidying: Promise<void> | undefined
  let evicting: Promise<unknown> = Promise.resolve()

  function isOver(): boolean {
    return index.bytes() + taken > maxBytes
  }

  function goal(): number {
    return Math.max(0, maxBytes * lowWater - taken)
  }

  function isDue(): boolean {
    return Math.abs(clock.now() - lookedAt) > lookAgainMs
  }

  /** One after the other: to another process's lock only one of us would be first. */
  function evictWhile(plan: () => Promise<() => boolean>): Promise<void> {
    const work = evicting.then(async () => {
      const isWanted = await plan()
      if (!isWanted()) return
      const evicted = await evict(options, () => (isWanted() ? 'take' : 'stop'))
      if (!evicted || evicted.files === 0) return
      evictedBytes += evicted.bytes
      logger.info('Evicted what was used least', { ...evicted })
    })
    evicting = work.catch(() => undefined)
    return work
  }

  function tidy(): Promise<void> {
    tidying ??= run().finally(() => (tidying = undefined))
    return tidying
  }

  async function run(): Promise<void> {
    try {
      if (isDue()) {
        lookedAt = clock.now()
        await index.scan()
      }
      if (isOver()) await evictWhile(() => Promise.resolve(() => index.bytes() > goal()))
      isFailing = false
    } catch (error) {
      if (!isFailing) logger.warn('The cache cannot be made smaller', { error: String(error) })
      isFailing = true
    }
  }

  return {
    tidy,
    usage: () => ({ bytes: index.bytes(), evictedBytes }),

    async take(bytes) {
      if (taken + bytes > maxBytes) throw new NoRoomError(`No room for ${bytes} bytes in the cache`)
      taken += bytes
      // A tidying that ran already may have looked before.
      for (let round = 0; round < 2 && isOver(); round += 1) {
        const done = new AbortController()
        await Promise.race([tidy(), clock.sleep(patienceMs, done.signal)])
        done.abort()
      }
      if (!isFailing || !isOver()) return
      taken -= bytes
      throw new NoRoomError('The cache is full and cannot be made smaller')
    },

    give(bytes) {
      taken -= bytes
    },

    async commit(digest, aside, size, move) {
      // What cannot be read now is found by the next look.
      const names = await readNames(files, aside, size).catch(() => undefined)
      const wasHere = index.contents.has(digest)
      index.added(digest, size, names)
      try {
        await move()
      } catch (error) {
        if (!wasHere) index.removed(digest)
        throw error
      }
      index.added(digest, size, names)
      if (maxBytes !== Infinity && (isOver() || isDue())) void tidy()
    },

    async clear(missing) {
      const plan = async (): Promise<() => boolean> => {
        const bytes = await missing()
        // What is here has to be known first.
        await index.scan()
        const start = index.bytes()
        // All that is here would not be enough, and would be gone for nothing.
        if (bytes > start + spareBytes) return () => false
        return () => start - index.bytes() < bytes
      }
      await evictWhile(plan).catch((error: unknown) =>
        logger.warn('The cache cannot be made smaller', { error: String(error) }),
      )
    },
  }
}
