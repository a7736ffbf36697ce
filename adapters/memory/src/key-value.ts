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
  readonly ttlMs: number
}

/** A clock that was set back by more would keep what was to be forgotten soon. */
const clockSlackMs = 60_000

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
      const leftMs = entry.expiresAt - clock.now()
      if (leftMs > 0 && leftMs <= entry.ttlMs + clockSlackMs) return entry.value
      entries.delete(key)
      return undefined
    },

    async set(key, value, ttlSeconds) {
      const ttlMs = ttlSeconds * 1000
      entries.set(key, { value, expiresAt: clock.now() + ttlMs, ttlMs })
    },

    async delete(key) {
      entries.delete(key)
    },
  }
}
