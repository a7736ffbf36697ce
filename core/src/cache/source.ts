import { RegistryError } from '../errors.ts'
import { type Clock, FetchError, type Logger } from '../ports.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { BlobDownload } from '../upstream/blobs.ts'
import { UpstreamTrouble } from '../upstream/trouble.ts'
import { type DownloadReader, readDownload } from './download-reader.ts'

/** An upstream's bytes in order, over as many requests as it takes. */
export interface Source {
  /** The next chunk; undefined after the last. Throws when no attempt brings more. */
  next(): Promise<Uint8Array<ArrayBuffer> | undefined>
  cancel(reason: unknown): Promise<void>
  /** Tells that its bytes are wrong, so that others are asked instead of who sent them. */
  blame(what: string): void
}

export interface SourceOptions {
  readonly first: BlobDownload
  /** Position of the first byte wanted; `first` may begin before it. */
  readonly start: number
  /** Asks for the rest, from a position on, or for the whole, from 0; it may answer from the start. */
  readonly resume: (position: number) => Promise<BlobDownload>
  /** Position after the last byte wanted; undefined where only the body's end tells. */
  readonly end: number | undefined
  /** `end` is before the blob's own. */
  readonly isPart: boolean
  readonly clock: Clock
  readonly idleMs: number
  readonly metrics: Metrics
  readonly logger: Logger
  readonly upstream: string
}

/** Attempts in a row that bring nothing. */
const maxFruitlessAttempts = 4
const firstPauseMs = 250
/** Who was kept waiting for so long, by a client that does not read, may close the connection: no fault of his. */
const patienceMs = 3_000

/** Reads a download, and goes on with a Range request where it was cut (clients.md, section 8). */
export function createSource(options: SourceOptions): Source {
  const { start, resume, end, isPart, clock, idleMs, metrics, logger, upstream } = options
  const cancelled = new AbortController()
  let position = start
  let fruitless = 0
  let refusesParts = false
  let lastReadAt = clock.now()
  let wasKeptWaiting = false
  const blames = [options.first.blame]
  let reader = open(options.first)

  return {
    async next() {
      if (clock.now() - lastReadAt > patienceMs) wasKeptWaiting = true
      for (;;) {
        const piece = await reader.read()
        lastReadAt = clock.now()
        if (piece === 'end') return undefined
        if (piece !== 'cut') {
          position += piece.byteLength
          fruitless = 0
          return piece
        }
        if (!isCancelled() && !wasKeptWaiting) blames.at(-1)?.('its download was cut')
        wasKeptWaiting = false
        reader = await reopen()
      }
    },
    blame(what) {
      // Whose of the pieces was wrong cannot be told.
      for (const blame of blames) blame(what)
    },
    async cancel(reason) {
      cancelled.abort()
      await reader.cancel(reason)
    },
  }

  function open(download: BlobDownload): DownloadReader {
    const onBytes = (count: number): void => {
      metrics.upstreamBytes.add(count, upstream)
    }
    return readDownload({ download, start: position, end, isPart, clock, idleMs, onBytes })
  }

  function isCancelled(): boolean {
    return cancelled.signal.aborted
  }

  async function reopen(): Promise<DownloadReader> {
    let cause: unknown
    while (fruitless < maxFruitlessAttempts) {
      await clock.sleep(firstPauseMs * 2 ** fruitless, cancelled.signal)
      if (isCancelled()) break
      fruitless++
      // What is here already is skipped, as it is where a range is ignored.
      const isLast = fruitless === maxFruitlessAttempts
      // Answered, but with nothing to go on with: 501, or a part that was not asked for.
      const isUnusable = cause instanceof UpstreamTrouble && cause.reason === 'server-error'
      const from = refusesParts || (isLast && isUnusable) ? 0 : position
      try {
        const download = await resume(from)
        const next = open(download)
        blames.push(download.blame)
        if (isCancelled()) await next.cancel('not wanted any more')
        metrics.resumes.add(1)
        logger.info('a download goes on after a cut', { upstream, position })
        return next
      } catch (error) {
        cause = error
        if (!(error instanceof RegistryError)) continue
        // It says no to the whole as well, and will say so for a while.
        if (refusesParts) break
        // Some registries and stores know no ranges, and answer 400, 403 or 416 to them.
        refusesParts = true
      }
    }
    throw new FetchError('unreachable', 'its download was cut and does not go on', { cause })
  }
}
