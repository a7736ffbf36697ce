import { RegistryError } from '../errors.ts'
import type { Clock } from '../ports.ts'

/** A place among a client's blob streams; calling it gives the place back, however often. */
export type Release = () => void

/** Clients that start a layer too many wait for another to end; a pull of theirs does not break at once. */
const waitMs = 5_000
const pollMs = 100
/** Where a runtime forgets an answer without a word, its place comes back all the same. */
const longestStreamMs = 3_600_000

/** By client key, since when each is open. */
export type OpenStreams = Map<string, Set<{ readonly since: number }>>

export function createStreamLimit(
  most: number | undefined,
  clock: Clock,
  open: OpenStreams = new Map(),
): (key: string) => Promise<Release> {
  function tryOpen(key: string, limit: number): Release | undefined {
    const streams = open.get(key) ?? new Set()
    if (streams.size >= limit) dropForgotten(streams)
    if (streams.size >= limit) return undefined
    const stream = { since: clock.now() }
    streams.add(stream)
    open.set(key, streams)
    return () => {
      streams.delete(stream)
      if (streams.size === 0 && open.get(key) === streams) open.delete(key)
    }
  }

  function dropForgotten(streams: Set<{ readonly since: number }>): void {
    for (const stream of streams) {
      if (clock.now() - stream.since > longestStreamMs) streams.delete(stream)
    }
  }

  return async (key) => {
    if (most === undefined) return () => undefined
    for (let waitedMs = 0; ; waitedMs += pollMs) {
      const release = tryOpen(key, most)
      if (release) return release
      // Asked again and again: a runtime may not let one request wake another.
      if (waitedMs >= waitMs) throw tooMany(most)
      await clock.sleep(pollMs)
    }
  }
}

function tooMany(most: number): RegistryError {
  return new RegistryError(
    'TOOMANYREQUESTS',
    `this mirror sends one client ${most} blobs at the same time: let one of them end`,
    { headers: { 'retry-after': '1' }, rejection: 'connections' },
  )
}
