import type { BlobStore, Fetch, KeyValue, Logger, Ports } from '@pullway/core'
import { type Config, ConfigError } from '@pullway/core/config'
import {
  createMemoryBlobStore,
  createMemoryKeyValue,
  createMemoryLimiter,
  withMemory,
  withMemoryKeyValue,
} from '@pullway/memory'
import { createRedisHttpKeyValue } from '@pullway/redis/http'
import { createBindingLimiter } from './binding-limiter.ts'
import type { Environment } from './bindings.ts'
import { createCacheBlobStore } from './cache-blob-store.ts'
import { withClaims } from './claims.ts'
import { systemClock as clock } from './clock.ts'
import { createWorkerFetch } from './fetch.ts'
import { createHasher } from './hasher.ts'
import { createKvKeyValue } from './kv-key-value.ts'
import { createR2BlobStore, maxPutBytes } from './r2-blob-store.ts'
import { createThriftyKeyValue } from './thrifty-key-value.ts'

const mebibyte = 1024 * 1024

/** Manifests and image configurations. An isolate has 128 MB for everything. */
const inMemory = { maxBytes: 16 * mebibyte, maxBlobBytes: mebibyte }
/** Of all state in memory. */
const maxCharacters = 8 * mebibyte

/** For so long another isolate's change of a tag may go unseen. */
const rememberSeconds = 5

/** Above, Cloudflare's Web Crypto throws; workerd on its own does not (github.com/cloudflare/workerd/issues/1346). */
const maxPbkdf2Iterations = 100_000

/** What is bound or configured, and this runtime's own way to the rest. Made once for an isolate. */
export function createPorts(config: Config, environment: Environment, logger: Logger): Ports {
  const { tokenKey } = config.access.users ?? { tokenKey: '' }
  // What KV is told, other isolates may see a minute later.
  if (tokenKey === undefined && config.cache.state.driver !== 'redis') {
    throw unsupported(
      'access.users.tokenKey',
      'is missing: a Worker runs in many places at once, which need one key for their tokens; put it into a secret',
    )
  }
  const fetch = createWorkerFetch()
  const state = createKeyValue(config.cache.state, environment, fetch)
  const { CLAIMS: claims, LIMIT: limit } = environment
  if (config.limits.bandwidthBytesPerSecond !== undefined) {
    throw unsupported(
      'limits.bandwidth',
      'a Worker would pay CPU time for every byte that it slows down: remove it',
    )
  }
  return {
    fetch,
    ...createBlobs(config.cache.blobs, environment),
    state,
    volatile: claims ? withClaims(state, claims) : state,
    limiter: limit ? createBindingLimiter(limit) : createMemoryLimiter({ clock }),
    clock,
    createHasher,
    logger,
    maxPbkdf2Iterations,
  }
}

/** A Worker has no files: the driver of that name, which is the default, means what is bound instead. */
function createBlobs(
  blobs: Config['cache']['blobs'],
  environment: Environment,
): Pick<Ports, 'blobs' | 'ingest'> {
  switch (blobs.driver) {
    case 'filesystem': {
      const { BLOBS: bucket } = environment
      if (!bucket) return { blobs: inFront(createCache()) }
      const partsAboveBytes = readPartsAboveBytes(environment)
      const { ingest, ...store } = createR2BlobStore({ bucket, partsAboveBytes })
      return { blobs: inFront(store), ingest }
    }
    case 's3':
      throw unsupported(
        'cache.blobs.driver',
        'a Worker keeps blobs in R2: remove it and bind BLOBS',
      )
    case 'memory':
      return { blobs: createMemoryBlobStore(blobs) }
    case 'none':
      return { blobs: undefined }
  }
}

function readPartsAboveBytes({
  PULLWAY_PARTS_ABOVE_BYTES: text = '',
}: Environment): number | undefined {
  if (text === '') return undefined
  const bytes = /^\d{1,10}$/.test(text) ? Number(text) : Infinity
  if (bytes <= maxPutBytes) return bytes
  throw unsupported(
    'PULLWAY_PARTS_ABOVE_BYTES',
    `must be a number of bytes, ${maxPutBytes} at most`,
  )
}

function inFront(store: BlobStore | undefined): BlobStore | undefined {
  return store && withMemory(store, inMemory)
}

function createCache(): BlobStore | undefined {
  // `default` is Cloudflare's own addition to the standard.
  const all = (globalThis as { readonly caches?: unknown }).caches
  const cache = (all as { readonly default?: Cache } | undefined)?.default
  return cache && createCacheBlobStore({ cache })
}

function createKeyValue(
  state: Config['cache']['state'],
  { STATE: namespace }: Environment,
  fetch: Fetch,
): KeyValue {
  if (state.driver === 'redis') {
    const { url, token = '' } = state
    if (!/^https?:/i.test(url)) {
      throw unsupported(
        'cache.state.url',
        'a Worker speaks to Redis over HTTP only: give an https:// address',
      )
    }
    const redis = createRedisHttpKeyValue({ url, token, fetch })
    return withMemoryKeyValue(redis, { clock, rememberSeconds, maxCharacters })
  }
  if (!namespace) return createMemoryKeyValue({ clock, maxCharacters })
  return createThriftyKeyValue({ shared: createKvKeyValue({ namespace, clock }), clock })
}

function unsupported(key: string, message: string): ConfigError {
  return new ConfigError([{ file: 'the configuration', line: 0, key, message }])
}
