import type { KeyValue } from '@pullway/core'

export interface BookKeyValueOptions {
  readonly inner: KeyValue
  /** Where a key is `<book>@<entry>`, and a new image brings dozens of entries to one book. */
  readonly keys: string
}

/** A book is read whole: some 100 KB. The oldest entries go first; they are learnt again. */
const maxEntries = 500

type Book = Readonly<Record<string, string>>

/**
 * Keeps all entries of a book in one value, written once for all that are set at the same time. Two isolates that
 * write one book at once lose entries of one: for things that can be asked again.
 */
export function withBooks({ inner, keys }: BookKeyValueOptions): KeyValue {
  const pending = new Map<string, { entries: Record<string, string>; written: Promise<void> }>()

  async function read(book: string): Promise<Book> {
    const text = await inner.get(book)
    return text === undefined ? {} : (JSON.parse(text) as Book)
  }

  async function write(
    book: string,
    entries: Record<string, string>,
    ttlSeconds: number,
  ): Promise<void> {
    // What is set from here on is for the next time.
    const known = await read(book).finally(() => pending.delete(book))
    if (Object.entries(entries).every(([entry, value]) => known[entry] === value)) return
    const all = Object.entries({ ...known, ...entries }).slice(-maxEntries)
    await inner.set(book, JSON.stringify(Object.fromEntries(all)), ttlSeconds)
  }

  return {
    async get(key) {
      const place = placeOf(key, keys)
      return place ? (await read(place.book))[place.entry] : inner.get(key)
    },

    set(key, value, ttlSeconds) {
      const place = placeOf(key, keys)
      if (!place) return inner.set(key, value, ttlSeconds)
      const { book, entry } = place
      const joined = pending.get(book)
      if (joined) {
        joined.entries[entry] = value
        return joined.written
      }
      const entries = { [entry]: value }
      const written = write(book, entries, ttlSeconds)
      pending.set(book, { entries, written })
      return written
    },

    async delete(key) {
      const place = placeOf(key, keys)
      await inner.delete(place?.book ?? key)
    },
  }
}

function placeOf(key: string, keys: string): { book: string; entry: string } | undefined {
  const end = key.startsWith(keys) ? key.lastIndexOf('@') : -1
  return end < 0 ? undefined : { book: key.slice(0, end), entry: key.slice(end + 1) }
}
