import type { Upload } from './upload.ts'

/** Uploads that nobody goes on with, and that S3 keeps until it is told. */
export interface Leftovers {
  /** Never throws: what cannot be aborted now is kept in mind. */
  abort(upload: Upload): Promise<void>
  /** For when S3 is known to work. Never throws. */
  retry(): Promise<void>
}

/** More than so many are left to the bucket's lifecycle rule, as is what a process leaves behind. */
const mostKept = 100

export function createLeftovers(): Leftovers {
  const kept = new Set<Upload>()

  async function abort(upload: Upload): Promise<void> {
    kept.delete(upload)
    try {
      await upload.abort()
    } catch {
      if (kept.size < mostKept) kept.add(upload)
    }
  }

  return {
    abort,
    async retry() {
      await Promise.all([...kept].map(abort))
    },
  }
}
