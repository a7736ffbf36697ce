import type { KeyValue } from '@pullway/core'

export type Command = readonly [name: string, ...args: string[]]

/** Sends one command and gives the reply: null for what is absent. Throws in bounded time. */
export type Send = (command: Command) => Promise<unknown>

/** Keeps Pullway's keys apart from whatever else lives in the same database. */
export const defaultPrefix = 'pullway:'

/** A mirror asks its state several times a pull, and must answer within seconds. */
export const defaultTimeoutMs = 2_000

export function createCommandKeyValue(send: Send, prefix: string): KeyValue {
  return {
    async get(key) {
      const value = await send(['GET', prefix + key])
      return typeof value === 'string' ? value : undefined
    },

    async set(key, value, ttlSeconds) {
      // Redis refuses a life time of nothing.
      if (ttlSeconds <= 0) await send(['DEL', prefix + key])
      else await send(['SET', prefix + key, value, 'PX', formatMilliseconds(ttlSeconds)])
    },

    async delete(key) {
      await send(['DEL', prefix + key])
    },
  }
}

function formatMilliseconds(seconds: number): string {
  return String(Math.max(1, Math.round(seconds * 1000)))
}
