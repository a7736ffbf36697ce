import type { CacheUsage } from './cache-room.ts'

/** What the folder of the cache holds, as Prometheus text. */
export function formatCacheMetrics({ bytes, evictedBytes }: CacheUsage): string {
  return [
    '# HELP pullway_cache_size_bytes Content that the cache holds.',
    '# TYPE pullway_cache_size_bytes gauge',
    `pullway_cache_size_bytes ${bytes}`,
    '# HELP pullway_cache_evicted_bytes_total Content that was taken away because other content came.',
    '# TYPE pullway_cache_evicted_bytes_total counter',
    `pullway_cache_evicted_bytes_total ${evictedBytes}`,
    '',
  ].join('\n')
}
