import type { BlobStore, Digest } from '@pullway/core'
import { createFakeClock } from '../../fakes/clock.ts'
import { type Fill, startFill } from '../../../core/src/cache/fill.ts'
import { followFill } from '../../../core/src/cache/fill-body.ts'
import type { MemoryShare } from '../../../core/src/cache/fill-memory.ts'
import type { Source } from '../../../core/src/cache/source.ts'
import { createStoreReport } from '../../../core/src/cache/store-report.ts'
import { createForgivingStore } from '../../../core/src/cache/store.ts'
import { createMetrics } from '../../../core/src/observe/metrics.ts'
import { algorithmOf } from '../../../core/src/request/reference.ts'
import type { Bytes } from '../../contract/content.ts'
import { createMemoryLogger } from '../../contract/memory-logger.ts'
import { createHasher } from './hashing.ts'

/** An upstream's bytes as the test gives them. */
export interface ManualSource extends Source {
  push(...chunks: readonly Bytes[]): void
  end(): void
  fail(error: Error): void
  /** Chunks that were given and not taken. */
  readonly waiting: number
  /** Why it was cancelled. */
  readonly cancelled: unknown
  /** What was said of its bytes. */
  readonly blamed: readonly string[]
}

function createManualSource(): ManualSource {
  const given: (Bytes | Error | undefined)[] = []
  let wake: () => void = () => undefined
  let cancelled: unknown
  const blamed: string[] = []
  const give = (...items: readonly (Bytes | Error | undefined)[]): void => {
    given.push(...items)
    wake()
  }
  return {
    push: give,
    end: () => give(undefined),
    fail: give,
    get waiting() {
      return given.length
    },
    get cancelled() {
      return cancelled
    },
    async next() {
      while (given.length === 0) await new Promise<void>((resolve) => (wake = resolve))
      const item = given.shift()
      if (item instanceof Error) throw item
      return item
    },
    async cancel(reason) {
      cancelled = reason
    },
    blamed,
    blame: (what) => void blamed.push(what),
  }
}

export interface FillWorldOptions {
  readonly digest: Digest
  /** Undefined: the upstream does not say. */
  readonly size: number | undefined
  /** Undefined: there is no store. */
  readonly store: BlobStore | undefined
  readonly source?: Source
  /** Undefined: as if it ran alone. */
  readonly memory?: MemoryShare
}

export type Detach = (first: number, last: number | undefined) => Promise<Source>

export async function createFillWorld({ digest, size, store, source, memory }: FillWorldOptions) {
  const logger = createMemoryLogger()
  const metrics = createMetrics()
  const manual = createManualSource()
  const clock = createFakeClock()
  const absent = async (): Promise<never> => {
    throw new Error('there is no store')
  }
  const none: BlobStore = { stat: absent, open: absent, write: absent, remove: absent }
  const forgiving = createForgivingStore(store ?? none, createStoreReport(logger, metrics), clock)
  const write = store && (await forgiving.write(digest, size))
  const fill: Fill = startFill({
    digest,
    size,
    source: source ?? manual,
    write,
    store: forgiving,
    hasher: createHasher(algorithmOf(digest)),
    clock,
    metrics,
    logger,
    upstream: 'docker.io',
    ...(memory && { memory }),
  })
  const detached: [number, number | undefined][] = []
  /** A client's body, from `first` on. */
  const follow = (
    first = 0,
    last: number | undefined = size === undefined ? undefined : size - 1,
    detach: Detach = () => Promise.reject(new Error('no request of its own')),
  ): ReadableStream<Uint8Array> =>
    followFill({
      fill,
      first,
      last,
      detach(...range) {
        detached.push(range)
        return detach(...range)
      },
    })
  return { fill, source: manual, follow, detached, logger, metrics }
}
