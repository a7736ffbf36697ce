import type { Clock, Logger, Ports } from '@pullway/core'
import { type Config, ConfigError } from '@pullway/core/config'
import {
  createMemoryBlobStore,
  createMemoryKeyValue,
  createMemoryLimiter,
  withMemory,
  withMemoryKeyValue,
} from '@pullway/memory'
import { createRedisHttpKeyValue } from '@pullway/redis/http'
import { createS3BlobStore } from '@pullway/s3'
import type { Runtime } from './handler.ts'
import { createIngest } from './ingest.ts'
import type { ObjectStorage, RedisOverHttp, Services } from './services.ts'

export interface PortsOptions extends Runtime {
  readonly clock: Clock
  readonly logger: Logger
}

const mebibyte = 1024 * 1024

/** Manifests, indexes and configs, which are asked for far more often than layers. */
const inMemory = { maxBytes: 32 * mebibyte, maxBlobBytes: mebibyte }
/** All that an instance keeps where nothing else is configured: an edge function has 128 MB for everything. */
const onlyMemoryBytes = 32 * mebibyte
/** For so long another instance's change of a tag may go unseen. */
const rememberSeconds = 5

/** The environment's services where there are any, and this instance's memory. */
export function createPorts(config: Config, services: Services, options: PortsOptions): Ports {
  const { fetch, clock, createHasher, logger, verifyBcrypt } = options
  const { objectStorage, redis } = services
  const { tokenKey } = config.access.users ?? { tokenKey: '' }
  if (tokenKey === undefined && !redis) throw noTokenKey
  return {
    fetch,
    ...createBlobs(config.cache.blobs, objectStorage, options),
    ...createStates(redis, options),
    clock,
    createHasher,
    logger,
    ...(verifyBcrypt && { verifyBcrypt }),
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
  configured: Config['cache']['blobs'],
  objectStorage: ObjectStorage | undefined,
  { fetch, clock, delivery }: PortsOptions,
): Pick<Ports, 'blobs' | 'presign' | 'ingest'> {
  if (configured.driver === 'none') return { blobs: undefined }
  if (objectStorage) {
    const store = createS3BlobStore({ ...objectStorage, fetch, clock })
    return {
      blobs: withMemory(store, inMemory),
      presign: (digest, expiresSeconds) => store.presign(digest, expiresSeconds),
      ...(delivery.passesThrough === true && { ingest: createIngest(store) }),
    }
  }
  // There is no disk here: what the defaults would keep in files is kept in memory.
  const maxBytes = configured.driver === 'memory' ? configured.maxBytes : onlyMemoryBytes
  return { blobs: createMemoryBlobStore({ maxBytes }) }
}

function createStates(
  redis: RedisOverHttp | undefined,
  { fetch, clock }: PortsOptions,
): Pick<Ports, 'state' | 'volatile' | 'limiter'> {
  if (!redis) {
    return {
      state: createMemoryKeyValue({ clock }),
      volatile: createMemoryKeyValue({ clock }),
      limiter: createMemoryLimiter({ clock }),
    }
  }
  const shared = (prefix: string): Ports['state'] => {
    const store = createRedisHttpKeyValue({ ...redis, prefix, fetch })
    return withMemoryKeyValue(store, { clock, rememberSeconds })
  }
  return {
    state: shared('pullway:state:'),
    volatile: shared('pullway:volatile:'),
    limiter: createRedisHttpKeyValue({ ...redis, prefix: 'pullway:', fetch }),
  }
}
