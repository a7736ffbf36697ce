import type { Clock, Fetch, KeyValue, Limiter, Logger, Ports } from '@pullway/core'
import { type Config, ConfigError, type Environment } from '@pullway/core/config'
import {
  createMemoryBlobStore,
  createMemoryKeyValue,
  createMemoryLimiter,
  withMemory,
  withMemoryKeyValue,
} from '@pullway/memory'
import { createNodeFetch, createNodeHasher, systemClock, verifyBcrypt } from '@pullway/node'
import { createRedisKeyValue } from '@pullway/redis'
import { createRedisHttpKeyValue } from '@pullway/redis/http'
import { createS3BlobStore } from '@pullway/s3'
import { findBucket } from './bucket.ts'

const mebibyte = 1024 * 1024

/** Lives as long as the instance, which serves one request at a time and has 1 GiB in the kit. */
const ownCacheBytes = 128 * mebibyte
/** Manifests and configs in front of S3. */
const inMemory = { maxBytes: 32 * mebibyte, maxBlobBytes: mebibyte }
/** For so long another instance's change of a tag may go unseen. */
const rememberSeconds = 5

/** The stores that the configuration and the environment choose, and Node's ways to the rest. */
export function createPorts(config: Config, environment: Environment, logger: Logger): Ports {
  const { tokenKey } = config.access.users ?? { tokenKey: '' }
  if (tokenKey === undefined && config.cache.state.driver !== 'redis') throw noTokenKey
  const clock = systemClock
  const fetch = createNodeFetch({ connectMs: config.timeouts.connectMs })
  const shared = createSharedState(config.cache.state, fetch, clock)
  return {
    fetch,
    ...createBlobs(config.cache, environment, fetch, clock),
    state: shared?.store ?? createMemoryKeyValue({ clock }),
    volatile: shared?.store ?? createMemoryKeyValue({ clock }),
    limiter: shared?.limiter ?? createMemoryLimiter({ clock }),
    clock,
    createHasher: createNodeHasher,
    logger,
    verifyBcrypt,
  }
}

/** Instances share nothing but Redis. */
const noTokenKey = new ConfigError([
  {
    file: 'the configuration',
    line: 0,
    key: 'access.users.tokenKey',
    message:
      'is missing: a function runs in many instances, which need one key for their tokens, or Redis; put it into a variable',
  },
])

function createBlobs(
  { blobs }: Config['cache'],
  environment: Environment,
  fetch: Fetch,
  clock: Clock,
): Pick<Ports, 'blobs' | 'presign'> {
  const bucket = findBucket(blobs, environment)
  if (bucket) {
    const store = createS3BlobStore({ ...bucket, fetch, clock })
    return {
      blobs: withMemory(store, inMemory),
      presign: (digest, expiresSeconds) => store.presign(digest, expiresSeconds),
    }
  }
  if (blobs.driver === 'none') return { blobs: undefined }
  // A function's disk goes with its instance, as its memory does.
  const maxBytes = blobs.driver === 'memory' ? blobs.maxBytes : ownCacheBytes
  return { blobs: createMemoryBlobStore({ maxBytes }) }
}

function createSharedState(
  state: Config['cache']['state'],
  fetch: Fetch,
  clock: Clock,
): { readonly store: KeyValue; readonly limiter: Limiter } | undefined {
  if (state.driver !== 'redis') return undefined
  const { url, token = '' } = state
  const isHttp = /^https?:/i.test(url)
  const store = isHttp
    ? createRedisHttpKeyValue({ url, token, fetch })
    : createRedisKeyValue({ url })
  return { store: withMemoryKeyValue(store, { clock, rememberSeconds }), limiter: store }
}
