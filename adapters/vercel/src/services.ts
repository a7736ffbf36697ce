import { type Config, ConfigError, type Mistake } from '@pullway/core/config'

export type Environment = Readonly<Record<string, string | undefined>>

export interface ObjectStorage {
  readonly endpoint: string
  readonly bucket: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly prefix?: string
}

export interface RedisOverHttp {
  readonly url: string
  readonly token: string
}

/** What keeps anything from one instance to the next: Vercel itself has no storage. */
export interface Services {
  readonly objectStorage: ObjectStorage | undefined
  readonly redis: RedisOverHttp | undefined
}

const objectStorageVariables = {
  endpoint: 'PULLWAY_S3_ENDPOINT',
  bucket: 'PULLWAY_S3_BUCKET',
  region: 'PULLWAY_S3_REGION',
  accessKeyId: 'PULLWAY_S3_ACCESS_KEY_ID',
  secretAccessKey: 'PULLWAY_S3_SECRET_ACCESS_KEY',
} as const

/** By Upstash's own names, and by those that Vercel's marketplace sets. */
const redisVariables = [
  { url: 'UPSTASH_REDIS_REST_URL', token: 'UPSTASH_REDIS_REST_TOKEN' },
  { url: 'KV_REST_API_URL', token: 'KV_REST_API_TOKEN' },
] as const

/** The environment's services, else the configuration's. Throws a ConfigError where one is there by halves. */
export function readServices(
  environment: Environment,
  { blobs, state }: Config['cache'],
): Services {
  const mistakes: Mistake[] = []
  const objectStorage = readGroup(objectStorageVariables, environment, mistakes)
  const redis = redisVariables
    .map((variables) => readGroup(variables, environment, mistakes))
    .find((found) => found !== undefined)
  checkUrl(objectStorage?.endpoint, objectStorageVariables.endpoint, mistakes)
  for (const { url } of redisVariables) checkUrl(environment[url], url, mistakes)
  const configured = state.driver === 'redis' && !redis ? state : undefined
  checkUrl(configured?.url, 'cache.state.url', mistakes)
  if (mistakes.length > 0) throw new ConfigError(mistakes)
  return {
    objectStorage: objectStorage ?? (blobs.driver === 's3' ? blobs : undefined),
    redis: redis ?? (configured && { url: configured.url, token: configured.token ?? '' }),
  }
}

/** Undefined where none of the variables is set. */
function readGroup<Key extends string>(
  variables: Readonly<Record<Key, string>>,
  environment: Environment,
  mistakes: Mistake[],
): Readonly<Record<Key, string>> | undefined {
  const names = Object.values<string>(variables)
  const missing = names.filter((name) => !environment[name])
  if (missing.length === names.length) return undefined
  const present = names.filter((name) => !missing.includes(name))
  for (const key of missing) {
    mistakes.push({ ...nowhere, key, message: `is not set, but ${present.join(', ')} is` })
  }
  const entries = Object.entries<string>(variables).map(([key, name]) => [key, environment[name]])
  return Object.fromEntries(entries) as Record<Key, string>
}

function checkUrl(value: string | undefined, key: string, mistakes: Mistake[]): void {
  if (!value) return
  const scheme = URL.canParse(value) ? new URL(value).protocol : undefined
  if (scheme === 'https:' || scheme === 'http:') return
  mistakes.push({ ...nowhere, key, message: 'is no https:// address' })
}

const nowhere = { file: 'environment', line: 0 } as const
