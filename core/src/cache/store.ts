import {
  type BlobStore,
  type BlobWrite,
  type ByteRange,
  type Clock,
  type Digest,
  NoRoomError,
  type StoredBlob,
} from '../ports.ts'
import type { StoreReport } from './store-report.ts'

/** A BlobStore whose failures are absence: a broken disk makes the mirror slower, never a pull fail. */
export interface ForgivingStore {
  stat(digest: Digest): Promise<{ readonly size: number } | undefined>
  open(digest: Digest, range?: ByteRange): Promise<StoredBlob | undefined>
  /** Undefined when there is no store, or it takes no writes. */
  write(digest: Digest, size: number | undefined): Promise<BlobWrite | undefined>
  /** Tells of a write that was begun. */
  reportWrite(error: unknown): void
  reportCommit(): void
  /** Content was answered for without the store. */
  used(digest: Digest): void
  /** Tells of a write that takes too long: for a while nothing more is asked of the store. */
  reportHang(error: unknown): void
  /** Tells of content that broke while it was read. */
  reportRead(error: unknown): void
  remove(digest: Digest): Promise<void>
}

/** A pull asks a store several times, and cannot wait each time for one that hangs. */
const slowMs = 1_000
const restMs = 10_000

export function createForgivingStore(
  store: BlobStore | undefined,
  report: StoreReport,
  clock: Clock,
): ForgivingStore {
  let restsUntil = 0

  const isResting = (now: number): boolean => {
    const leftMs = restsUntil - now
    // With more left than there was, the clock has been set back.
    return leftMs > 0 && leftMs <= restMs
  }

  const read = async <T>(ask: () => Promise<T> | undefined): Promise<T | undefined> => {
    const startedAt = clock.now()
    if (isResting(startedAt)) return undefined
    try {
      const result = await ask()
      report.recovered('read')
      return result
    } catch (error) {
      report.failed('read', 'read', error)
      const now = clock.now()
      if (now - startedAt >= slowMs) restsUntil = now + restMs
      return undefined
    }
  }

  const reportWrite = (error: unknown): void => {
    if (error instanceof NoRoomError) return
    report.failed('write', 'write', error)
  }

  return {
    stat: (digest) => read(() => store?.stat(digest)),
    open: (digest, range) => read(() => store?.open(digest, range)),
    async write(digest, size) {
      if (isResting(clock.now())) return undefined
      try {
        return await store?.write(digest, size)
      } catch (error) {
        reportWrite(error)
        return undefined
      }
    },
    reportWrite,
    reportHang(error) {
      reportWrite(error)
      restsUntil = clock.now() + restMs
    },
    reportCommit() {
      report.recovered('write')
    },
    used: (digest) => store?.used?.(digest),
    reportRead(error) {
      report.failed('read', 'read', error)
    },
    async remove(digest) {
      try {
        await store?.remove(digest)
      } catch (error) {
        report.failed('write', 'remove', error)
      }
    },
  }
}
