/* eslint-disable @typescript-eslint/require-await -- an asynchronous port, implemented without waiting */
import type { Clock, KeyValue } from '@pullway/core'
import { createRecent } from './recent.ts'

export interface MemoryKeyValueOptions {
  readonly clock: Clock
  /** The least recently used entry goes first. */
  readonly maxEntries?: number
  /** Of all keys and values together. */
  readonly maxCharacters?: number
}

interface Entry {
  readonly value: string
  /** Epoch milliseconds. */
  readonly expiresAt: number
}

export function createMemoryKeyValue({
  clock,
  maxEntries = 10_000,
  maxCharacters = 16 * 1024 * 1024,
}: MemoryKeyValueOptions): KeyValue {
  const entries = createRecent<string, Entry>({
    maxEntries,
    maxSize: maxCharacters,
    sizeOf: ({ value }, key) => key.length + value.length,
  })

  return {
    async get(key) {
      const entry = entries.get(key)
      if (entry === undefined) return undefined
      if (clock.now() < entry.expiresAt) return entry.value
      entries.delete(key)
      return undefined
    },

    async set(key, value, ttlSeconds) {
      entries.set(key, { value, expiresAt: clock.now() + ttlSeconds * 1000 })
    },

    async delete(key) {
      entries.delete(key)
    },
  }
}
