/** What an endpoint says that one of its users may still pull. */
export interface Quota {
  readonly limit: number | undefined
  readonly remaining: number | undefined
  /** When the window ends in which that holds, at the latest; epoch milliseconds. */
  readonly endsAt: number
}

/** Where neither a window nor a reset is told. */
const usualWindowSeconds = 60

/**
 * Docker Hub's `ratelimit-limit: 100;w=3600` and `ratelimit-remaining`; absence means no limit that it tells
 * (registries.md, 2.5). Only the plain names count, but with a 429: the x- copies say the same, or on token
 * hosts something else.
 */
export function readQuota({ status, headers }: Response, now: number): Quota | undefined {
  const read = (name: string): string | null =>
    headers.get(name) ?? (status === 429 ? headers.get(`x-${name}`) : null)
  const limit = parseQuota(read('ratelimit-limit'))
  const remaining = parseQuota(read('ratelimit-remaining'))
  if (!limit && !remaining) return undefined
  const windowSeconds = remaining?.windowSeconds ?? limit?.windowSeconds ?? usualWindowSeconds
  const resetSeconds = parseReset(read('ratelimit-reset'), now)
  return {
    limit: limit?.count,
    remaining: remaining?.count,
    endsAt: now + (resetSeconds ?? windowSeconds) * 1000,
  }
}

export function parseQuota(
  header: string | null,
): { readonly count: number; readonly windowSeconds: number | undefined } | undefined {
  const [, count, rest = ''] = /^\s*(\d{1,12})\s*((?:;|,|$).*)/.exec(header ?? '') ?? []
  if (count === undefined) return undefined
  const seconds = /^[^,]*;\s*w=(\d{1,6})\b/.exec(rest)?.[1]
  return {
    count: Number(count),
    windowSeconds: seconds === undefined ? undefined : Number(seconds),
  }
}

/** Seconds from now; registries write them so, or as an epoch. */
function parseReset(header: string | null, now: number): number | undefined {
  if (header === null || !/^\d{1,10}$/.test(header.trim())) return undefined
  const number = Number(header)
  return number < 1e9 ? number : Math.max(0, number - now / 1000)
}
