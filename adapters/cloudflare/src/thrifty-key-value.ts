import type { Clock, KeyValue } from '@pullway/core'
import { createMemoryKeyValue, withMemoryKeyValue } from '@pullway/memory'
import { withBooks } from './book-key-value.ts'

export interface ThriftyKeyValueOptions {
  /** Where a write is dear: 1 000 a day are free, and one a second for each key is all there is. */
  readonly shared: KeyValue
  readonly clock: Clock
}

/** What another isolate saves requests upstream with. Refusals of seconds and the like stay in memory. */
const sharedKeys: readonly string[] = ['tag/', 'token/', 'challenge/', 'holds/']
/** What a repository holds: a record for each layer, so that one new image would cost dozens of writes. */
const bookKeys = 'holds/'

/** KV takes no shorter life time. */
const leastSharedSeconds = 60
/** For so long an entry's next versions stay here: others find the older one, and ask the upstream. */
const betweenWritesSeconds = 600
const rememberSeconds = 30
const maxCharacters = 4 * 1024 * 1024

/** Memory for everything, and a shared store behind it for the few things that are worth its writes. */
export function createThriftyKeyValue({ shared, clock }: ThriftyKeyValueOptions): KeyValue {
  const memory = createMemoryKeyValue({ clock, maxCharacters })
  const written = createMemoryKeyValue({ clock, maxCharacters })
  const remembered = { clock, rememberSeconds, maxCharacters }
  const inner = withMemoryKeyValue(forgivingLimits(shared), remembered)
  const quick = withBooks({ inner, keys: bookKeys })
  const isShared = (key: string): boolean => sharedKeys.some((start) => key.startsWith(start))

  return {
    async get(key) {
      return (await memory.get(key)) ?? (isShared(key) ? quick.get(key) : undefined)
    },

    async set(key, value, ttlSeconds) {
      await memory.set(key, value, ttlSeconds)
      if (!isShared(key) || ttlSeconds < leastSharedSeconds) return
      if (key.startsWith(bookKeys)) return quick.set(key, value, ttlSeconds)
      if ((await written.get(key)) !== undefined) return
      await written.set(key, '', Math.min(betweenWritesSeconds, ttlSeconds))
      await quick.set(key, value, ttlSeconds)
    },

    async delete(key) {
      await memory.delete(key)
      if (!isShared(key)) return
      await written.delete(key)
      await quick.delete(key)
    },
  }
}

/** KV answers 429 to a key's second write within a second: who wrote first has written the same. */
function forgivingLimits(store: KeyValue): KeyValue {
  const attempt = async (work: Promise<void>): Promise<void> => {
    try {
      await work
    } catch (error) {
      if (!(error instanceof Error) || !/\b429\b/.test(error.message)) throw error
    }
  }
  return {
    get: (key) => store.get(key),
    set: (key, value, ttlSeconds) => attempt(store.set(key, value, ttlSeconds)),
    delete: (key) => attempt(store.delete(key)),
  }
}
