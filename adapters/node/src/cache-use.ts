import type { Clock, Digest } from '@pullway/core'
import { blobPath } from './cache-layout.ts'
import { type FileSystem, hasCode } from './file-system.ts'

/** What is asked for all day costs one date an hour. */
const everyMs = 60 * 60 * 1000
/** Digests of which it is known that they have their date; then all get it once more. */
const maxRemembered = 50_000

export interface CacheUseOptions {
  readonly path: string
  readonly clock: Clock
  readonly files: FileSystem
  /** The file is gone; another process has removed it. */
  readonly onAbsent: (digest: Digest) => void
}

/** Keeps, over a restart and for other processes, when a file was last used: as its modification time. */
export function createCacheUse(options: CacheUseOptions): (digest: Digest) => void {
  const { path, clock, files, onAbsent } = options
  const touched = new Map<Digest, number>()

  return (digest) => {
    const now = clock.now()
    const before = touched.get(digest)
    if (before !== undefined && now >= before && now - before < everyMs) return
    if (touched.size >= maxRemembered) touched.clear()
    touched.set(digest, now)
    void touch(digest, now / 1000)
  }

  async function touch(digest: Digest, seconds: number): Promise<void> {
    try {
      await files.utimes(blobPath(path, digest), seconds, seconds)
    } catch (error) {
      // A disk that takes no dates only forgets sooner what is used.
      if (hasCode(error, 'ENOENT')) onAbsent(digest)
    }
  }
}
