import type { Metrics } from '../observe/metrics.ts'
import type { Logger } from '../ports.ts'

/** What of the cache can fail by itself. */
export type StorePart = 'read' | 'write' | 'state'

/** A cache that fails makes a mirror slower, and its log must not fill the disk that is full already. */
export interface StoreReport {
  /** Counts a failure, and says so if nothing else is failing yet. */
  failed(part: StorePart, operation: string, error: unknown): void
  recovered(part: StorePart): void
}

export function createStoreReport(logger: Logger, metrics: Metrics): StoreReport {
  const failing = new Set<StorePart>()
  return {
    failed(part, operation, error) {
      metrics.storeFailures.add(1, operation)
      if (failing.size === 0) {
        logger.error('the cache fails; pulls go on without it', { operation, error: String(error) })
      }
      failing.add(part)
    },
    recovered(part) {
      failing.delete(part)
    },
  }
}
