import type { Clock } from '../ports.ts'
import { UpstreamTrouble } from '../upstream/trouble.ts'
import type { BlobWanted } from './downloads.ts'
import { DigestMismatch, type Fill } from './fill.ts'
import { withinTime } from './quicker-range.ts'

/** Image configurations and the like, which come in one piece. */
const smallBytes = 256 * 1024
/** A slow one is streamed as it comes. */
const patienceMs = 1_000

type Wanted = Pick<BlobWanted, 'upstream'>

/**
 * Waits for a small blob, where another endpoint may have it right: undefined, or that its bytes are wrong,
 * before a client has got any of them.
 */
export async function findSpoilt(
  clock: Clock,
  { upstream: { config } }: Wanted,
  fill: Fill,
): Promise<UpstreamTrouble | undefined> {
  const { size = smallBytes } = fill
  if (config.endpoints.length === 1 || size > smallBytes) return undefined
  await withinTime(clock, fill.reach(size), patienceMs)
  const cause = fill.failure()
  return cause instanceof DigestMismatch ? toTrouble(config.name, cause) : undefined
}

/** Nothing can be held back of an empty body, so it is checked before the answer. */
export async function checkEmpty({ upstream }: Wanted, fill: Fill): Promise<void> {
  await fill.finished
  const failure = fill.failure()
  if (failure) throw toTrouble(upstream.config.name, failure)
}

function toTrouble(upstream: string, cause: Error): UpstreamTrouble {
  return new UpstreamTrouble(upstream, 'server-error', cause.message, { cause })
}
