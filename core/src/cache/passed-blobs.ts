import type { Answer } from '../answer.ts'
import type { Digest, IngestBlob, KeyValue, Logger } from '../ports.ts'
import type { RangeRequest } from '../request/byte-range.ts'
import { downloadBlob, headBlob } from '../upstream/blobs.ts'
import { part, satisfiable, whole } from './blob-answer.ts'
import type { BlobWanted, Downloads } from './downloads.ts'
import { toBody } from './fill-body.ts'
import type { Holdings } from './holdings.ts'
import type { ForgivingStore } from './store.ts'

export interface PassedBlobsOptions {
  readonly store: ForgivingStore
  readonly holdings: Holdings
  readonly downloads: Downloads
  readonly ingest: IngestBlob | undefined
  readonly volatile: KeyValue
  readonly logger: Logger
}

export interface PassedBlob extends BlobWanted {
  readonly range: RangeRequest | undefined
  readonly waitUntil: (work: Promise<unknown>) => void
}

/** For about so long another request need not begin to store the same blob. */
const ingestingSeconds = 300

/**
 * For runtimes where JavaScript must not touch a layer's bytes: the upstream's body is the answer's, as it is,
 * and the client verifies it. What is stored comes by a request of its own, verified by the store.
 */
export function createPassedBlobs(
  options: PassedBlobsOptions,
): (wanted: PassedBlob) => Promise<Answer> {
  const { store, holdings, downloads, ingest, volatile, logger } = options
  const running = new Set<Digest>()

  return async (wanted) => {
    const { route, upstream, digest, deadline, knownSize, range } = wanted
    const question = { repository: route.repository, digest, deadline }
    if (range) {
      const size = knownSize ?? (await headBlob(upstream, question)).size
      if (size !== undefined) {
        const bytes = satisfiable(range, size)
        wanted.waitUntil(keep(wanted, size))
        const source = await downloads.openRange(wanted, bytes.first, bytes.last)
        return part(digest, bytes, size, toBody(source), 'partial')
      }
    }
    const download = await downloadBlob(upstream, question)
    if (knownSize === undefined) await holdings.note(route, digest, { kind: 'blob' })
    const size = download.size ?? knownSize
    if (size !== undefined) wanted.waitUntil(keep(wanted, size))
    return whole(digest, size, download.body, 'pass')
  }

  async function keep(wanted: PassedBlob, size: number): Promise<void> {
    const { digest } = wanted
    if (!ingest || running.has(digest)) return
    running.add(digest)
    try {
      await ingestOnce(wanted, size, ingest)
    } catch (error) {
      logger.warn('a blob was not stored', { digest, error: String(error) })
      await volatile.delete(keyOf(digest))
    } finally {
      running.delete(digest)
    }
  }

  async function ingestOnce(wanted: PassedBlob, size: number, into: IngestBlob): Promise<void> {
    const { route, upstream, digest, deadline } = wanted
    // Other isolates may be at it, too; two that begin at once do the same work twice, and no harm.
    if ((await volatile.get(keyOf(digest))) !== undefined || (await store.stat(digest))) return
    await volatile.set(keyOf(digest), '1', ingestingSeconds)
    const { body } = await downloadBlob(upstream, {
      repository: route.repository,
      digest,
      deadline,
    })
    await into(digest, body, size)
  }
}

function keyOf(digest: Digest): string {
  return `ingesting/${digest}`
}
