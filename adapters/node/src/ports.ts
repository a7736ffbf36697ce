import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BlobStore, Clock, KeyValue, Limiter, Logger, Ports, PresignBlob } from '@pullway/core'
import type { Config } from '@pullway/core/config'
import {
  createMemoryBlobStore,
  createMemoryKeyValue,
  createMemoryLimiter,
  withMemory,
  withMemoryKeyValue,
} from '@pullway/memory'
import { createRedisKeyValue, type RedisKeyValue } from '@pullway/redis'
import { createRedisHttpKeyValue } from '@pullway/redis/http'
import { createS3BlobStore } from '@pullway/s3'
import { verifyBcrypt } from './bcrypt.ts'
import type { CacheUsage } from './cache-room.ts'
import { withCheck } from './checked-blobs.ts'
import { systemClock } from './clock.ts'
import { createNodeFetch, type NodeFetch } from './fetch.ts'
import { createFilesystemBlobStore } from './filesystem-blob-store.ts'
import { createFilesystemKeyValue } from './filesystem-key-value.ts'
import { nodeFileSystem } from './file-system.ts'
import { createNodeHasher } from './hasher.ts'
import { removeLeftovers } from './leftovers.ts'
import { sweepExpiredState } from './sweep-state.ts'
import { withSpool } from './with-spool.ts'

export interface NodePorts extends Ports {
  readonly fetch: NodeFetch
}

export interface NodeStores {
  readonly ports: NodePorts
  /** Where the cache is on a disk. */
  readonly folder: string | undefined
  /** Each removes what is of no use any more. */
  readonly sweeps: readonly (() => Promise<unknown>)[]
  /** What the folder holds. */
  readonly usage: (() => CacheUsage) | undefined
  /** Gives up all connections. */
  readonly close: () => Promise<void>
}

const mebibyte = 1024 * 1024

/** Manifests, indexes and configs, which are asked for far more often than layers. */
const inMemory = { maxBytes: 32 * mebibyte, maxBlobBytes: mebibyte }
/** For so long another process's change of a tag may go unseen. */
const rememberSeconds = 5

/** The configuration's choice of stores, and this runtime's own way to the rest. */
export function createPorts(
  { cache, timeouts }: Config,
  logger: Logger,
  clock: Clock = systemClock,
): NodeStores {
  const fetch = createNodeFetch({ connectMs: timeouts.connectMs })
  const parts = { cache, logger, clock, fetch }
  const blobs = createBlobs(parts)
  const state = createState(parts)
  const memory = createMemoryKeyValue({ clock })
  return {
    ports: {
      fetch,
      blobs: blobs.store,
      ...(blobs.presign && { presign: blobs.presign }),
      state: state.store,
      // Tokens are shared where the operator shares state, and written to no disk otherwise.
      volatile: cache.state.driver === 'redis' ? state.store : memory,
      limiter: state.limiter ?? createMemoryLimiter({ clock }),
      clock,
      createHasher: createNodeHasher,
      logger,
      verifyBcrypt,
    },
    folder: cache.blobs.driver === 'filesystem' ? cache.blobs.path : undefined,
    usage: blobs.usage,
    sweeps: [...blobs.sweeps, ...state.sweeps],
    close: async () => {
      await state.close?.()
      await fetch.close()
    },
  }
}

interface Parts {
  readonly cache: Config['cache']
  readonly logger: Logger
  readonly clock: Clock
  readonly fetch: NodeFetch
}

interface Kept<Store> {
  readonly store: Store
  readonly sweeps: NodeStores['sweeps']
  readonly presign?: PresignBlob
  readonly usage?: () => CacheUsage
  readonly close?: () => Promise<void>
}

function createBlobs({ cache, logger, clock, fetch }: Parts): Kept<BlobStore | undefined> {
  const { blobs } = cache
  switch (blobs.driver) {
    case 'filesystem': {
      const { path, maxBytes } = blobs
      const store = createFilesystemBlobStore({ path, maxBytes, logger, clock })
      const memory = withMemory(withCheck(store, inMemory.maxBlobBytes), inMemory)
      store.onRemoved((digest) => memory.forget(digest))
      const sweeps = [() => store.sweepLeftovers(), () => store.tidy()]
      return { store: memory, sweeps, usage: () => store.usage() }
    }
    case 's3': {
      const store = createS3BlobStore({ ...blobs, fetch, clock })
      const folder = join(tmpdir(), 'pullway')
      const spooled = withSpool(store, { folder })
      const presign: PresignBlob = async (digest, expiresSeconds) =>
        (await store.stat(digest)) ? store.presign(digest, expiresSeconds) : undefined
      const sweep = (): Promise<number> =>
        removeLeftovers({ folder, clock, logger, files: nodeFileSystem })
      return {
        store: withMemory(withCheck(spooled, inMemory.maxBlobBytes), inMemory),
        presign,
        sweeps: [sweep],
      }
    }
    case 'memory':
      return { store: createMemoryBlobStore(blobs), sweeps: [] }
    case 'none':
      return { store: undefined, sweeps: [] }
  }
}

function createState({
  cache,
  clock,
  fetch,
}: Parts): Kept<KeyValue> & { readonly limiter?: Limiter } {
  const { blobs, state } = cache
  if (state.driver === 'redis') {
    const redis = createRedis(state, fetch)
    const store = withMemoryKeyValue(redis, { clock, rememberSeconds })
    return {
      store,
      limiter: redis,
      sweeps: [],
      ...('close' in redis && { close: () => redis.close() }),
    }
  }
  if (state.driver !== 'filesystem' || blobs.driver !== 'filesystem') {
    return { store: createMemoryKeyValue({ clock }), sweeps: [] }
  }
  const { path } = blobs
  const store = createFilesystemKeyValue({ path, clock })
  return {
    store: withMemoryKeyValue(store, { clock, rememberSeconds }),
    sweeps: [() => sweepExpiredState({ path, clock })],
  }
}

type RedisState = Extract<Config['cache']['state'], { driver: 'redis' }>

function createRedis(
  { url, token }: RedisState,
  fetch: NodeFetch,
): (KeyValue & Limiter) | RedisKeyValue {
  if (url.startsWith('redis')) return createRedisKeyValue({ url })
  return createRedisHttpKeyValue({ url, token: token ?? '', fetch })
}
