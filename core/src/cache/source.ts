import { FetchError } from '../ports.ts'
import type { Clock, Logger } from '../ports.ts'
import type { Metrics } from '../observe/metrics.ts'
import { watchIdle } from '../upstream/body.ts'
import type { BlobDownload } from '../upstream/blobs.ts'

/** An upstream's bytes in order, over as many requests as it takes. */
export interface Source {
  /** The next chunk; undefined after the last. Throws when no attempt brings more. */
  next(): Promise<Uint8Array<ArrayBuffer> | undefined>
  cancel(reason: unknown): Promise<void>
}

export interface SourceOptions {
  readonly first: BlobDownload
  /** Position of the first byte wanted; `first` may begin before it. */
  readonly start: number
  /** Asks for the rest, from a position on; it may answer from the start. */
  readonly resume: (position: number) => Promise<BlobDownload>
  /** Position after the last byte wanted; undefined where only the body's end tells. */
  readonly end: number | undefined
  readonly clock: Clock
  readonly idleMs: number
  readonly metrics: Metrics
  readonly logger: Logger
  readonly upstream: string
}

/** Attempts in a row that bring nothing. */
const maxFruitlessAttempts = 4
const firstPauseMs = 250

/** Reads a download, and goes on with a Range request where it was cut (clients.md, section 8). */
export function createSource(options: SourceOptions): Source {
  const { start, resume, end, clock, idleMs, metrics, logger, upstream } = options
  let position = start
  let reader = options.first.body.getReader()
  let toSkip = start - options.first.position
  let fruitless = 0
  let isIdle = false
  let isCancelled = false
  let unwatch = watch()

  function watch(): () => void {
    const watched = reader
    return watchIdle(
      clock,
      idleMs,
      () => position,
      () => {
        isIdle = true
        void watched.cancel().catch(() => undefined)
      },
    )
  }

  return {
    async next() {
      for (;;) {
        const chunk = await read()
        if (chunk === 'end') {
          unwatch()
          return undefined
        }
        if (chunk !== 'cut') return chunk
        await reopen()
      }
    },
    async cancel(reason) {
      isCancelled = true
      unwatch()
      await reader.cancel(reason).catch(() => undefined)
    },
  }

  async function read(): Promise<Uint8Array<ArrayBuffer> | 'end' | 'cut'> {
    try {
      for (;;) {
        if (position === end) {
          // A body that is longer than it may be is not read to its end; the asker checks for more.
          const extra = await reader.read()
          return extra.done ? 'end' : advance(extra.value)
        }
        const { done, value } = await reader.read()
        if (done) return end === undefined && !isIdle ? 'end' : 'cut'
        if (toSkip >= value.byteLength) {
          toSkip -= value.byteLength
          continue
        }
        const bytes = toSkip > 0 ? value.subarray(toSkip) : value
        toSkip = 0
        return advance(bytes)
      }
    } catch {
      return position === end ? 'end' : 'cut'
    }
  }

  function advance(value: Uint8Array): Uint8Array<ArrayBuffer> {
    position += value.byteLength
    fruitless = 0
    metrics.upstreamBytes.add(value.byteLength, upstream)
    return value as Uint8Array<ArrayBuffer>
  }

  async function reopen(): Promise<void> {
    unwatch()
    let cause: unknown
    while (fruitless < maxFruitlessAttempts && !isCancelled) {
      await clock.sleep(firstPauseMs * 2 ** fruitless)
      fruitless++
      try {
        const download = await resume(position)
        metrics.resumes.add(1)
        logger.info('a download goes on after a cut', { upstream, position })
        reader = download.body.getReader()
        toSkip = position - download.position
        isIdle = false
        unwatch = watch()
        return
      } catch (error) {
        cause = error
      }
    }
    throw new FetchError('unreachable', 'its download was cut and does not go on', { cause })
  }
}
