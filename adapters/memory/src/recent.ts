export interface RecentOptions<Key, Value> {
  /** Of all entries together, in the units of `sizeOf`. */
  readonly maxSize: number
  readonly maxEntries?: number
  readonly sizeOf: (value: Value, key: Key) => number
}

/** What was used last; the least recently used goes when there is no more room. */
export interface Recent<Key, Value> {
  get(key: Key): Value | undefined
  /** Without this being a use. */
  peek(key: Key): Value | undefined
  /** What has no room at all is not kept, and neither is what was there under the same key. */
  set(key: Key, value: Value): void
  delete(key: Key): void
}

/** A Map lists its keys in the order in which they were set: the first one is the oldest. */
export function createRecent<Key, Value>({
  maxSize,
  maxEntries = Number.POSITIVE_INFINITY,
  sizeOf,
}: RecentOptions<Key, Value>): Recent<Key, Value> {
  const entries = new Map<Key, Entry<Value>>()
  let total = 0
  let newest: Key | undefined

  function remove(key: Key): Entry<Value> | undefined {
    const entry = entries.get(key)
    if (!entry) return undefined
    entries.delete(key)
    total -= entry.size
    return entry
  }

  function add(key: Key, entry: Entry<Value>): void {
    entries.set(key, entry)
    newest = key
    total += entry.size
  }

  return {
    get(key) {
      // Many clients ask for the same at once: what is in its place already need not be moved.
      if (key === newest) return entries.get(key)?.value
      const entry = remove(key)
      if (entry) add(key, entry)
      return entry?.value
    },

    peek: (key) => entries.get(key)?.value,

    set(key, value) {
      remove(key)
      const size = sizeOf(value, key)
      if (size > maxSize) return
      add(key, { value, size })
      for (const oldest of entries.keys()) {
        if (total <= maxSize && entries.size <= maxEntries) return
        remove(oldest)
      }
    },

    delete: (key) => void remove(key),
  }
}

interface Entry<Value> {
  readonly value: Value
  readonly size: number
}
