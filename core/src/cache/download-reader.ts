import type { Clock } from '../ports.ts'
import type { BlobDownload } from '../upstream/blobs.ts'
import { watchIdle } from '../upstream/idle.ts'

/** One upstream answer, read from a position on. */
export interface DownloadReader {
  /** `end`: all has come. `cut`: the answer ended, broke or fell silent before. */
  read(): Promise<Uint8Array<ArrayBuffer> | 'end' | 'cut'>
  cancel(reason: unknown): Promise<void>
}

export interface DownloadReaderOptions {
  readonly download: BlobDownload
  /** Position of the first byte wanted; what comes before it is skipped. */
  readonly start: number
  /** Position after the last byte wanted; undefined where only the body's end tells. */
  readonly end: number | undefined
  /** The answer may bring more than was asked for: what comes after `end` is of no interest, not an error. */
  readonly isPart: boolean
  readonly clock: Clock
  readonly idleMs: number
  /** Hears of every byte that comes, wanted or not. */
  readonly onBytes: (count: number) => void
}

export function readDownload(options: DownloadReaderOptions): DownloadReader {
  const { download, start, end, isPart, clock, idleMs, onBytes } = options
  const reader = download.body.getReader()
  let position = start
  let toSkip = start - download.position
  let ticks = 0
  let isReading = false
  let isIdle = false
  // Silence counts only while something is waited for: a slow client is none of the upstream's faults.
  const unwatch = watchIdle(clock, idleMs, () => (isReading ? ticks : ++ticks), cancelIdle)

  return {
    async read() {
      if (isPart && position === end) {
        await cancel('nothing more is wanted')
        return 'end'
      }
      isReading = true
      const piece = await readWanted().catch(() => 'cut' as const)
      isReading = false
      if (piece instanceof Uint8Array) return piece
      unwatch()
      // A body that breaks after its last byte has brought all.
      return position === end ? 'end' : piece
    },
    cancel,
  }

  async function cancel(reason: unknown): Promise<void> {
    unwatch()
    await reader.cancel(reason).catch(() => undefined)
  }

  async function readWanted(): Promise<Uint8Array<ArrayBuffer> | 'end' | 'cut'> {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return end === undefined && !isIdle ? 'end' : 'cut'
      ticks++
      onBytes(value.byteLength)
      const skipped = Math.min(toSkip, value.byteLength)
      toSkip -= skipped
      if (skipped === value.byteLength) continue
      const after = isPart && end !== undefined ? skipped + end - position : value.byteLength
      const wanted = value.subarray(skipped, after) as Uint8Array<ArrayBuffer>
      position += wanted.byteLength
      return wanted
    }
  }

  function cancelIdle(): void {
    isIdle = true
    void reader.cancel().catch(() => undefined)
  }
}
