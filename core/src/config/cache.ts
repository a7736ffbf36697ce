import type { CacheConfig } from './config.ts'
import type { Report } from './mistakes.ts'
import { itemsOf } from './schema.ts'
import type { GivenCache } from './schema.ts'

const defaults = {
  path: './data',
  maxBytes: 256 * 1024 * 1024,
  freshForMs: 60_000,
  staleForMs: 30 * 86_400_000,
  serveStaleOn: ['rate-limited', 'server-error', 'timeout', 'unreachable'],
} as const

export function toCache(given: GivenCache, report: Report): CacheConfig {
  const blobs = toBlobs(given.blobs ?? {}, report)
  return {
    blobs,
    state: { driver: toStateDriver(given, blobs, report) },
    tags: {
      freshForSeconds: (given.tags?.freshFor ?? defaults.freshForMs) / 1000,
      staleForSeconds: (given.tags?.staleFor ?? defaults.staleForMs) / 1000,
    },
    serveStaleOn: new Set(itemsOf(given.serveStaleOn ?? defaults.serveStaleOn)),
  }
}

function toBlobs(given: NonNullable<GivenCache['blobs']>, report: Report): CacheConfig['blobs'] {
  const { driver = 'filesystem', path, maxSize } = given
  const at = ['cache', 'blobs']
  // What else is wrong depends on the driver.
  if (report.isWrong([...at, 'driver'])) return { driver: 'none' }
  if (path !== undefined && driver !== 'filesystem') {
    report.add([...at, 'path'], `has no meaning for the driver ${driver}: remove it`)
  }
  if (maxSize !== undefined && driver === 'filesystem') {
    report.add([...at, 'maxSize'], 'is not supported by this version for files: remove it')
  }
  if (maxSize !== undefined && driver === 'none') {
    report.add([...at, 'maxSize'], 'has no meaning for the driver none: remove it')
  }
  if (driver === 'filesystem') return { driver, path: path ?? defaults.path }
  return driver === 'memory' ? { driver, maxBytes: maxSize ?? defaults.maxBytes } : { driver }
}

/** Files keep tags over a restart; they live in the folder of the blobs. */
function toStateDriver(
  { state }: GivenCache,
  blobs: CacheConfig['blobs'],
  report: Report,
): CacheConfig['state']['driver'] {
  const driver = state?.driver ?? (blobs.driver === 'filesystem' ? 'filesystem' : 'memory')
  const isWrong = driver === 'filesystem' && blobs.driver !== 'filesystem'
  if (isWrong && !report.isWrong(['cache', 'blobs', 'driver'])) {
    report.add(
      ['cache', 'state', 'driver'],
      'needs cache.blobs.driver: filesystem, whose folder it shares: use memory',
    )
  }
  return driver
}
