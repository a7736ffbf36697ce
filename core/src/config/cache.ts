import type { CacheConfig } from './config.ts'
import type { Report } from './mistakes.ts'
import type { GivenCache } from './schema.ts'
import { itemsOf } from './values.ts'

const defaults = {
  path: './data',
  region: 'us-east-1',
  maxBytes: 256 * 1024 * 1024,
  freshForMs: 60_000,
  staleForMs: 30 * 86_400_000,
  serveStaleOn: ['rate-limited', 'server-error', 'timeout', 'unreachable'],
} as const

export function toCache(given: GivenCache, report: Report): CacheConfig {
  const blobs = toBlobs(given.blobs ?? {}, report)
  return {
    blobs,
    state: toState(given, blobs, report),
    tags: {
      freshForSeconds: (given.tags?.freshFor ?? defaults.freshForMs) / 1000,
      staleForSeconds: (given.tags?.staleFor ?? defaults.staleForMs) / 1000,
    },
    serveStaleOn: new Set(itemsOf(given.serveStaleOn ?? defaults.serveStaleOn)),
  }
}

type GivenBlobs = NonNullable<GivenCache['blobs']>

/** The keys that each driver takes beside `driver`. */
const keysOf = {
  filesystem: ['path', 'maxSize'],
  memory: ['maxSize'],
  none: [],
  s3: ['endpoint', 'bucket', 'region', 'accessKeyId', 'secretAccessKey', 'prefix'],
} as const satisfies Record<CacheConfig['blobs']['driver'], readonly (keyof GivenBlobs)[]>

function toBlobs(given: GivenBlobs, report: Report): CacheConfig['blobs'] {
  const { driver = 'filesystem', path, maxSize } = given
  const at = ['cache', 'blobs']
  // What else is wrong depends on the driver.
  if (report.isWrong([...at, 'driver'])) return { driver: 'none' }
  const taken = new Set<string>(['driver', ...keysOf[driver]])
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined || taken.has(key)) continue
    const hint = driver === 's3' && key === 'maxSize' ? '; the bucket has lifecycle rules' : ''
    report.add([...at, key], `has no meaning for the driver ${driver}: remove it${hint}`)
  }
  switch (driver) {
    case 'filesystem':
      return { driver, path: path ?? defaults.path, maxBytes: maxSize }
    case 'memory':
      return { driver, maxBytes: maxSize ?? defaults.maxBytes }
    case 's3':
      return toS3(given, report)
    case 'none':
      return { driver }
  }
}

function toS3(given: GivenBlobs, report: Report): CacheConfig['blobs'] {
  const at = ['cache', 'blobs']
  for (const key of ['endpoint', 'bucket', 'accessKeyId', 'secretAccessKey'] as const) {
    if (given[key] !== undefined || report.isWrong([...at, key])) continue
    report.add([...at, key], 'is missing: the driver s3 needs it')
  }
  return {
    driver: 's3',
    endpoint: given.endpoint ?? '',
    bucket: given.bucket ?? '',
    region: given.region ?? defaults.region,
    accessKeyId: given.accessKeyId ?? '',
    secretAccessKey: given.secretAccessKey ?? '',
    prefix: given.prefix ?? '',
  }
}

/** Files keep tags over a restart; they live in the folder of the blobs. */
function toState(
  { state = {} }: GivenCache,
  blobs: CacheConfig['blobs'],
  report: Report,
): CacheConfig['state'] {
  const at = ['cache', 'state']
  const driver = state.driver ?? (blobs.driver === 'filesystem' ? 'filesystem' : 'memory')
  const isRedis = driver === 'redis'
  if (isRedis && state.url === undefined && !report.isWrong([...at, 'url'])) {
    report.add([...at, 'url'], 'is missing: the driver redis needs it')
  }
  for (const key of ['url', 'token'] as const) {
    if (isRedis || state[key] === undefined || report.isWrong([...at, 'driver'])) continue
    report.add([...at, key], `has no meaning for the driver ${driver}: remove it`)
  }
  if (isRedis) return { driver, url: state.url ?? '', token: state.token }
  const isWrong = driver === 'filesystem' && blobs.driver !== 'filesystem'
  if (isWrong && !report.isWrong(['cache', 'blobs', 'driver'])) {
    report.add(
      [...at, 'driver'],
      'needs cache.blobs.driver: filesystem, whose folder it shares: use memory or redis',
    )
  }
  return { driver }
}
