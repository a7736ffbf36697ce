import type { KeyValue, Logger } from '../ports.ts'
import type { Metrics } from '../observe/metrics.ts'

/** Reads a value that was kept as JSON; what cannot be read is absent. */
export async function getJson(store: KeyValue, key: string): Promise<unknown> {
  const text = await store.get(key)
  if (text === undefined) return undefined
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/**
 * Lets a mirror go on when its state cannot be read or written: what is not remembered is asked upstream
 * again. Says so once, until it works again.
 */
export function withForgiveness(store: KeyValue, logger: Logger, metrics: Metrics): KeyValue {
  let isBroken = false

  const attempt = async <T>(
    operation: string,
    work: () => Promise<T>,
    otherwise: T,
  ): Promise<T> => {
    try {
      const result = await work()
      if (isBroken && operation !== 'read') isBroken = false
      return result
    } catch (error) {
      metrics.storeFailures.add(1, `state-${operation}`)
      if (!isBroken)
        logger.error('state cannot be kept; going on without', { error: String(error) })
      isBroken = true
      return otherwise
    }
  }

  return {
    get: (key) => attempt('read', () => store.get(key), undefined),
    set: (key, value, ttlSeconds) =>
      attempt('write', () => store.set(key, value, ttlSeconds), undefined),
    delete: (key) => attempt('delete', () => store.delete(key), undefined),
  }
}
