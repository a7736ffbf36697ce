import type { KeyValue } from '../ports.ts'
import type { StoreReport } from './store-report.ts'

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

/** Lets a mirror go on when its state fails: what is not remembered is asked upstream again. */
export function withForgiveness(store: KeyValue, report: StoreReport): KeyValue {
  const attempt = async <T>(operation: string, work: Promise<T>, otherwise: T): Promise<T> => {
    try {
      const result = await work
      // That reading works says nothing of a full disk.
      if (operation !== 'read') report.recovered('state')
      return result
    } catch (error) {
      report.failed('state', `state-${operation}`, error)
      return otherwise
    }
  }

  return {
    get: (key) => attempt('read', store.get(key), undefined),
    set: (key, value, ttlSeconds) => attempt('write', store.set(key, value, ttlSeconds), undefined),
    delete: (key) => attempt('delete', store.delete(key), undefined),
  }
}
