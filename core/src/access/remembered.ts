import type { Clock } from '../ports.ts'

/** What was found out a while ago; the oldest goes when there is too much. */
export interface Remembered<T> {
  get(key: string): T | undefined
  set(key: string, value: T, lifeMs?: number): void
}

const maxEntries = 2_000

export function createRemembered<T>(clock: Clock, usualLifeMs: number): Remembered<T> {
  const entries = new Map<string, { readonly value: T; readonly until: number }>()
  return {
    get(key) {
      const found = entries.get(key)
      if (!found || clock.now() < found.until) return found?.value
      entries.delete(key)
      return undefined
    },
    set(key, value, lifeMs = usualLifeMs) {
      entries.delete(key)
      const [oldest] = entries.keys()
      if (entries.size >= maxEntries && oldest !== undefined) entries.delete(oldest)
      entries.set(key, { value, until: clock.now() + lifeMs })
    },
  }
}
