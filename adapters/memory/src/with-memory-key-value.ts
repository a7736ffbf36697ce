import type { KeyValue } from '@pullway/core'
import { createMemoryKeyValue, type MemoryKeyValueOptions } from './key-value.ts'

export interface WithMemoryKeyValueOptions extends MemoryKeyValueOptions {
  /**
   * How long an answer of the slower store is believed: for so long another process's write may go unseen,
   * and an entry may outlive its life time, of which the slower store tells nothing.
   */
  readonly rememberSeconds: number
}

/** Keeps what was read or written in memory for a while, in front of a slower KeyValue. */
export function withMemoryKeyValue(
  inner: KeyValue,
  { rememberSeconds, ...options }: WithMemoryKeyValueOptions,
): KeyValue {
  const memory = createMemoryKeyValue(options)
  let changes = 0

  return {
    async get(key) {
      const remembered = await memory.get(key)
      if (remembered !== undefined) return remembered
      const changesBefore = changes
      const value = await inner.get(key)
      // What was read before a change here is old, whatever key the change was for.
      if (value !== undefined && changes === changesBefore) {
        await memory.set(key, value, rememberSeconds)
      }
      return value
    },

    async set(key, value, ttlSeconds) {
      changes += 1
      // First, so that a store that takes no writes any more (a full disk) costs no answer that we have.
      await memory.set(key, value, Math.min(ttlSeconds, rememberSeconds))
      await inner.set(key, value, ttlSeconds)
    },

    async delete(key) {
      changes += 1
      await memory.delete(key)
      await inner.delete(key)
    },
  }
}
