import type { TroubleReason } from './config/config.ts'

/**
 * What the cache could do for a pull:
 * hit · miss (fetched and kept) · pass (fetched, not kept) · collapsed (joined another one's fetch) · revalidated (upstream confirmed it) ·
 * partial (a range of its own) · linked (the client fetches it elsewhere) · stale-*,
 * `spared` where the copy saved a pull of the upstream's rate limit.
 */
export type Outcome =
  | 'hit'
  | 'miss'
  | 'pass'
  | 'collapsed'
  | 'revalidated'
  | 'partial'
  | 'linked'
  | `stale-${TroubleReason | 'not-found' | 'spared'}`

/** The mirror's answer before it becomes a Response. */
export interface Answer {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null
  readonly outcome: Outcome
}
