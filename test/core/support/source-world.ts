import { createSource, type Source } from '../../../core/src/cache/source.ts'
import { createMetrics, type Metrics } from '../../../core/src/observe/metrics.ts'
import type { BlobDownload } from '../../../core/src/upstream/blobs.ts'
import type { Bytes } from '../../contract/content.ts'
import { createMemoryLogger, type MemoryLogger } from '../../contract/memory-logger.ts'
import { createFakeClock, type FakeClock } from '../../fakes/clock.ts'

export type Resume = (position: number) => BlobDownload | Promise<BlobDownload>

export interface SourceWorld {
  readonly clock: FakeClock
  readonly metrics: Metrics
  readonly logger: MemoryLogger
  readonly source: Source
  /** Positions from which more was asked for. */
  readonly resumed: readonly number[]
  /** Reads all there is. */
  readonly read: () => Promise<SourceRead>
  /** The same, while time goes on by itself. */
  readonly readAll: () => Promise<SourceRead>
}

export interface SourceRead {
  readonly bytes: Bytes
  readonly broken: unknown
}

const idleMs = 30_000

export function createSourceWorld(options: {
  readonly first: BlobDownload
  readonly start?: number
  readonly end?: number | undefined
  readonly isPart?: boolean
  readonly resume?: Resume
}): SourceWorld {
  const clock = createFakeClock()
  const metrics = createMetrics()
  const logger = createMemoryLogger()
  const resumed: number[] = []
  const source = createSource({
    first: options.first,
    start: options.start ?? 0,
    end: options.end,
    async resume(position) {
      resumed.push(position)
      if (!options.resume) throw new Error('no more')
      return options.resume(position)
    },
    isPart: options.isPart ?? false,
    clock,
    idleMs,
    metrics,
    logger,
    upstream: 'docker.io',
  })
  async function read(): Promise<SourceRead> {
    const chunks: Bytes[] = []
    let broken: unknown
    try {
      for (let chunk = await source.next(); chunk; chunk = await source.next()) chunks.push(chunk)
    } catch (error) {
      broken = error
    }
    return { bytes: new Uint8Array(Buffer.concat(chunks)), broken }
  }

  return {
    clock,
    metrics,
    logger,
    source,
    resumed,
    read,
    async readAll() {
      const over = new AbortController()
      const reading = read().finally(() => over.abort())
      for (let steps = 0; !over.signal.aborted && steps < 2_000; steps += 1)
        await clock.advance(250)
      return reading
    },
  }
}
