import type { Bookings } from './access/bandwidth.ts'
import { createGuesses, type Guesses } from './access/guesses.ts'
import type { OpenStreams } from './access/stream-limit.ts'
import type { DownloadsOptions } from './cache/downloads.ts'
import { createFillMemory, type FillMemory } from './cache/fill-memory.ts'
import { createMetrics, type Metrics } from './observe/metrics.ts'
import type { Clock } from './ports.ts'
import type { KnownUpstreams } from './upstream/upstreams.ts'

/** What a change of the configuration leaves as it is: all else is made anew. */
export interface Lasting {
  readonly metrics: Metrics
  /** Who comes after the change joins a download from before it. */
  readonly downloads: DownloadsOptions['running']
  readonly downloadMemory: FillMemory
  /** An upstream whose configuration stays keeps what it knows of its endpoints. */
  readonly upstreams: KnownUpstreams
  /** Whoever tries passwords gets no new start. */
  readonly guesses: Guesses
  /** The same for passwords of upstreams. */
  readonly relayGuesses: Guesses
  readonly streams: OpenStreams
  readonly bookings: Bookings
}

export function createLasting(clock: Clock): Lasting {
  return {
    metrics: createMetrics(),
    downloads: new Map(),
    downloadMemory: createFillMemory(),
    upstreams: new Map(),
    guesses: createGuesses(clock),
    relayGuesses: createGuesses(clock),
    streams: new Map(),
    bookings: new Map(),
  }
}
