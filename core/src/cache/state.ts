import { parseJson } from '../json.ts'
import type { KeyValue } from '../ports.ts'
import type { StoreReport } from './store-report.ts'

/** Reads a value that was kept as JSON; what cannot be read is absent. */
export async function getJson(store: KeyValue, key: string): Promise<unknown> {
  const text = await store.get(key)
  return text === undefined ? undefined : parseOnce(text)
}

/** The same few records are read for every pull of a popular image. */
const maxParsed = 1_000
const parsed = new Map<string, unknown>()

function parseOnce(text: string): unknown {
  if (parsed.has(text)) return parsed.get(text)
  const value = parseJson(text)
  if (parsed.size >= maxParsed) parsed.clear()
  parsed.set(text, value)
  return value
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
