import type { Metrics } from '../observe/metrics.ts'
import type { BlobStore, BlobWrite, ByteRange, Digest, Logger, StoredBlob } from '../ports.ts'

/** A BlobStore whose failures are absence: a broken disk makes the mirror slower, never a pull fail. */
export interface ForgivingStore {
  stat(digest: Digest): Promise<{ readonly size: number } | undefined>
  open(digest: Digest, range?: ByteRange): Promise<StoredBlob | undefined>
  /** Undefined when there is no store, or it takes no writes. */
  write(digest: Digest, size: number | undefined): Promise<BlobWrite | undefined>
  /** Says once that writes fail, until one succeeds again. */
  reportWrite(error: unknown): void
  reportCommit(): void
}

export function createForgivingStore(
  store: BlobStore | undefined,
  logger: Logger,
  metrics: Metrics,
): ForgivingStore {
  let canWrite = true

  const read = async <T>(work: Promise<T | undefined> | undefined): Promise<T | undefined> => {
    try {
      return await work
    } catch (error) {
      metrics.storeFailures.add(1, 'read')
      logger.error('a cached blob cannot be read; asking upstream', { error: String(error) })
      return undefined
    }
  }

  const reportWrite = (error: unknown): void => {
    metrics.storeFailures.add(1, 'write')
    if (canWrite) {
      logger.error('the cache takes no writes; streaming without it', { error: String(error) })
    }
    canWrite = false
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
      canWrite = true
    },
  }
}
