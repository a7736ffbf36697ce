import type { Metrics } from '../observe/metrics.ts'

/** Docker Hub's `ratelimit-limit: 100;w=3600`; absence means no limit that it tells (registries.md, 2.5). */
export function parseQuota(header: string | null): number | undefined {
  const digits = header === null ? undefined : /^\s*(\d{1,12})\s*(?:;|,|$)/.exec(header)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** Only the plain names count: the x- copies say the same, or on token hosts something else. */
export function recordQuota(
  headers: Headers,
  metrics: Metrics,
  upstream: string,
  endpoint: string,
): void {
  const limit = parseQuota(headers.get('ratelimit-limit'))
  const remaining = parseQuota(headers.get('ratelimit-remaining'))
  if (limit !== undefined) metrics.quotaLimit.set(limit, upstream, endpoint)
  if (remaining !== undefined) metrics.quotaRemaining.set(remaining, upstream, endpoint)
}
