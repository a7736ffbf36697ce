import type { Clock, KeyValue } from '@pullway/core'
import type { KvMetadata, KvNamespace } from './bindings.ts'
import { createHasher } from './hasher.ts'

export interface KvKeyValueOptions {
  readonly namespace: KvNamespace
  readonly clock: Clock
}

/** KV, "Limits": the shortest life time, and the longest key in bytes. */
const leastSeconds = 60
const maxKeyBytes = 512

const encoder = new TextEncoder()

/** KV keeps for whole seconds and may answer from a cache, so that an entry's own end is in its metadata. */
export function createKvKeyValue({ namespace, clock }: KvKeyValueOptions): KeyValue {
  return {
    async get(key) {
      const { value, metadata } = await namespace.getWithMetadata(toKvKey(key))
      return value !== null && clock.now() < expiryOf(metadata) ? value : undefined
    },

    async set(key, value, ttlSeconds) {
      const expirationTtl = Math.max(leastSeconds, Math.ceil(ttlSeconds))
      const metadata: KvMetadata = { expiresAt: clock.now() + ttlSeconds * 1000 }
      await namespace.put(toKvKey(key), value, { expirationTtl, metadata })
    },

    delete: (key) => namespace.delete(toKvKey(key)),
  }
}

/** Before it, so that no key is empty, `.` or `..`, which KV refuses. */
const prefix = 'pullway/'

function toKvKey(key: string): string {
  const bytes = encoder.encode(prefix + key)
  if (bytes.byteLength <= maxKeyBytes) return prefix + key
  const hasher = createHasher('sha256')
  hasher.update(bytes)
  return `pullway-long/${hasher.hex()}`
}

function expiryOf(metadata: unknown): number {
  const expiresAt = (metadata as Partial<KvMetadata> | null)?.expiresAt
  return typeof expiresAt === 'number' ? expiresAt : 0
}
