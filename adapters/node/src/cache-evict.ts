import { type Clock, type Digest, type Eviction, planEviction } from '@pullway/core'
import type { CacheIndex } from './cache-index.ts'
import { blobPath } from './cache-layout.ts'
import { type Lock, takeLock } from './cache-lock.ts'
import { absentAsUndefined, type FileSystem, hasCode } from './file-system.ts'

export interface EvictOptions {
  readonly path: string
  readonly clock: Clock
  readonly files: FileSystem
  readonly index: CacheIndex
}

export interface Evicted {
  files: number
  bytes: number
}

/** `skip` is for blobs that no manifest needs: what follows an image that stays is planned without it. */
type Decide = (eviction: Eviction) => 'take' | 'skip' | 'stop'

/** Removes what the core's plan says, as long as `decide` wants it. Undefined: another process is at it. */
export async function evict(options: EvictOptions, decide: Decide): Promise<Evicted | undefined> {
  const evicted: Evicted = { files: 0, bytes: 0 }
  const { files, path, clock, index } = options
  try {
    const lock = await takeLock(files, path, clock)
    if (!lock) return undefined
    try {
      await index.scan()
      while (!(await followPlan(options, decide, evicted, lock))) await lock.renew()
    } finally {
      await lock.release()
    }
  } catch (error) {
    // No folder, so nothing in it.
    if (!hasCode(error, 'ENOENT')) throw error
  }
  return evicted
}

/** False: something has come or was used since the plan was made, so that it needs another one. */
async function followPlan(
  options: EvictOptions,
  decide: Decide,
  evicted: Evicted,
  lock: Lock,
): Promise<boolean> {
  const { index } = options
  const additions = index.additions()
  for (const eviction of planEviction(index.contents)) {
    if (index.additions() !== additions) return false
    const decision = decide(eviction)
    if (decision === 'stop') return true
    if (decision === 'skip') continue
    if (!(await isAsPlanned(index, eviction)) || index.additions() !== additions) return false
    for (const digest of eviction.digests) await removeFile(options, digest, evicted)
    if (evicted.files % 100 === 0) await lock.renew()
  }
  return true
}

/** Another process may have used it, or removed it. */
async function isAsPlanned(index: CacheIndex, { digests, usedAt }: Eviction): Promise<boolean> {
  const dates = await Promise.all(digests.map((digest) => index.refresh(digest)))
  return dates.every((date) => date !== undefined && date <= usedAt)
}

/** A reader that has the file open reads on: its content goes with the last of them. */
export async function removeFile(
  { files, path, index }: EvictOptions,
  digest: Digest,
  evicted: Evicted,
): Promise<void> {
  const size = index.contents.get(digest)?.size ?? 0
  const isGone = (await absentAsUndefined(unlink(files, blobPath(path, digest)))) === undefined
  index.removed(digest)
  if (isGone) return
  evicted.files += 1
  evicted.bytes += size
}

async function unlink(files: FileSystem, place: string): Promise<true> {
  await files.unlink(place)
  return true
}
