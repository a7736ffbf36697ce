import type { ByteRange, Clock } from '../ports.ts'
import type { BlobWanted, Downloads, JoinedFill } from './downloads.ts'
import type { Source } from './source.ts'

/** Closer than this to what has come, the fill is there before any request could be. */
const nearBytes = 1024 * 1024
const measureMs = 150
const patienceMs = 1_000
/** During a running download, one upstream request is worth more than a quick start, up to this wait. */
const followerPatienceMs = 10_000

export function isFar({ fill }: JoinedFill, position: number): boolean {
  return position - fill.received() > nearBytes
}

type FindQuicker = (
  wanted: BlobWanted,
  joined: JoinedFill,
  range: ByteRange,
) => Promise<Source | undefined>

/** A request of its own for a range that the fill is long in reaching; it costs a round trip or two. */
export function createFindQuicker(downloads: Downloads, clock: Clock): FindQuicker {
  return async (wanted, { fill, isNew, startedAt }, { first, last }) => {
    const untilMs = startedAt + measureMs - clock.now()
    if (untilMs > 0) await withinTime(clock, fill.reach(first), untilMs)
    const bytesPerMs = fill.received() / Math.max(1, clock.now() - startedAt)
    const waitMs = isNew ? patienceMs : followerPatienceMs
    if (first - fill.received() <= bytesPerMs * waitMs) return undefined
    return downloads.openRange(wanted, first, last).catch(() => undefined)
  }
}

export async function withinTime(
  clock: Clock,
  work: Promise<void>,
  milliseconds: number,
): Promise<void> {
  const done = new AbortController()
  await Promise.race([work, clock.sleep(milliseconds, done.signal)])
  done.abort()
}
