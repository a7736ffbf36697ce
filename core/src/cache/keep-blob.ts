import {
  CannotIngest,
  type Clock,
  type Digest,
  type IngestBlob,
  type KeyValue,
  type Logger,
} from '../ports.ts'
import { downloadBlob } from '../upstream/blobs.ts'
import type { BlobWanted, Downloads } from './downloads.ts'
import type { ForgivingStore } from './store.ts'

export interface KeepBlobOptions {
  readonly store: ForgivingStore
  readonly downloads: Downloads
  readonly ingest: IngestBlob | undefined
  readonly volatile: KeyValue
  readonly clock: Clock
  readonly logger: Logger
  readonly answerMs: number
}

/** Brings a blob into the store by a request of its own. Never rejects: no client waits for it. */
export type KeepBlob = (wanted: BlobWanted) => Promise<void>

/** For about so long another request need not begin to store the same blob. */
const keepingSeconds = 300

/**
 * For blobs whose bytes a client gets past the mirror: by a link, or passed through as they come. Stored once,
 * by the platform's own means where it has some, and visible only when the digest is right.
 */
export function createKeepBlob(options: KeepBlobOptions): KeepBlob {
  const { store, downloads, ingest, volatile, clock, logger, answerMs } = options
  const running = new Set<Digest>()

  return async (wanted) => {
    const { digest } = wanted
    if (running.has(digest)) return
    running.add(digest)
    try {
      await keepOnce({ ...wanted, deadline: clock.now() + answerMs })
    } catch (error) {
      logger.warn('a blob was not stored', { digest, error: String(error) })
      await volatile.delete(keyOf(digest))
    } finally {
      running.delete(digest)
    }
  }

  async function keepOnce(wanted: BlobWanted): Promise<void> {
    const { digest } = wanted
    // Other isolates may be at it, too; two that begin at once do the same work twice, and no harm.
    if ((await volatile.get(keyOf(digest))) !== undefined || (await store.stat(digest))) return
    await volatile.set(keyOf(digest), '1', keepingSeconds)
    if (!ingest) return fill(wanted)
    try {
      await ingestInto(ingest, wanted)
    } catch (error) {
      if (!(error instanceof CannotIngest)) throw error
      await fill({ ...wanted, deadline: clock.now() + answerMs })
    }
  }

  async function ingestInto(into: IngestBlob, wanted: BlobWanted): Promise<void> {
    const { route, upstream, digest, deadline, knownSize } = wanted
    const question = { repository: route.repository, digest, deadline }
    const { body, size = knownSize } = await downloadBlob(upstream, question)
    if (size !== undefined) return into(digest, body, size)
    await body.cancel().catch(() => undefined)
    throw new CannotIngest('the upstream does not tell its size')
  }

  async function fill(wanted: BlobWanted): Promise<void> {
    const joined = await downloads.join(wanted)
    if (joined === 'stored') return
    // A download that nobody follows ends when the store does not take it, or not any more.
    joined.fill.follow(0).leave()
    await joined.fill.finished
    const failure = joined.fill.failure()
    if (failure) throw failure
  }
}

function keyOf(digest: Digest): string {
  return `ingesting/${digest}`
}
