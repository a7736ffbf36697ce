import type { BlobWrite, Clock, Logger } from '../ports.ts'
import type { Route } from '../route.ts'
import type { FetchedManifest } from '../upstream/manifests.ts'
import type { Holdings } from './holdings.ts'
import type { ForgivingStore } from './store.ts'

export interface KeepManifestOptions {
  readonly store: ForgivingStore
  readonly holdings: Holdings
  readonly clock: Clock
  readonly logger: Logger
}

/** A client waits for its manifest meanwhile. */
const patienceMs = 3_000

/** Keeps a verified manifest under its digest, byte for byte, and that its repository holds what it names. */
export function createKeepManifest({
  store,
  holdings,
  clock,
}: KeepManifestOptions): (route: Route, manifest: FetchedManifest) => Promise<void> {
  return async (route, manifest) => {
    const { digest, mediaType, bytes } = manifest
    // Where accounts differ, a manifest may name content that its author has only guessed: each is asked for.
    const isNamingEnough = route.upstream.clientCredentials === 'ignore'
    const { manifests, blobs } = isNamingEnough ? manifest : nothing
    await Promise.all([
      keepBytes(manifest),
      holdings.note(route, digest, { kind: 'manifest', mediaType, size: bytes.byteLength }),
      ...manifests.map((child) =>
        holdings.note(route, child.digest, { kind: 'manifest', ...facts(child) }),
      ),
      ...blobs.map((blob) => holdings.note(route, blob.digest, { kind: 'blob', ...facts(blob) })),
    ])
  }

  async function keepBytes({ digest, bytes }: FetchedManifest): Promise<void> {
    const write = await store.write(digest, bytes.byteLength)
    if (!write) return
    const over = new AbortController()
    const late = clock.sleep(patienceMs, over.signal).then(() => !over.signal.aborted)
    const isLate = await Promise.race([writeOut(write, bytes).then(() => false), late])
    over.abort()
    if (isLate) store.reportHang(new Error(`${digest} is not stored in time`))
  }

  async function writeOut(write: BlobWrite, bytes: Uint8Array): Promise<void> {
    try {
      await write.append([bytes])
      await write.commit()
      store.reportCommit()
    } catch (error) {
      store.reportWrite(error)
    } finally {
      await write.release()
    }
  }
}

const nothing = { manifests: [], blobs: [] } as const satisfies Partial<FetchedManifest>

function facts({ mediaType, size }: { mediaType: string | undefined; size: number | undefined }) {
  return { mediaType, size }
}
