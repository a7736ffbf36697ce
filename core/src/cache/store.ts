import {
  type BlobStore,
  type BlobWrite,
  type ByteRange,
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
}

export function createForgivingStore(
  store: BlobStore | undefined,
  report: StoreReport,
): ForgivingStore {
  const read = async <T>(work: Promise<T> | undefined): Promise<T | undefined> => {
    try {
      const result = await work
      report.recovered('read')
      return result
    } catch (error) {
      report.failed('read', 'read', error)
      return undefined
    }
  }

  const reportWrite = (error: unknown): void => {
    if (error instanceof NoRoomError) return
    report.failed('write', 'write', error)
  }

  return {
    stat: (digest) => read(store?.stat(digest)),
    open: (digest, range) => read(store?.open(digest, range)),
    async write(digest, size) {
      try {
        return await store?.write(digest, size)
      } catch (error) {
        reportWrite(error)
        return undefined
      }
    },
    reportWrite,
    reportCommit() {
      report.recovered('write')
    },
    used: (digest) => store?.used?.(digest),
  }
}
