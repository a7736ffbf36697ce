import { type FileSystem, hasCode } from './file-system.ts'

export function isFull(error: unknown): boolean {
  return hasCode(error, 'ENOSPC', 'EDQUOT')
}

/** Asks again when its turn has come: what was made free for another may be enough. */
export type CountMissing = () => Promise<number>

/** Better no write than one that fails in the middle and has filled the disk for everybody else. */
export async function checkDisk(
  files: FileSystem,
  path: string,
  size: number,
  clear: (missing: CountMissing) => Promise<void>,
): Promise<void> {
  const missing: CountMissing = () => countMissing(files, path, size, spareBytes)
  if ((await missing()) === 0) return
  await clear(missing)
  if ((await countMissing(files, path, size)) === 0) return
  throw Object.assign(new Error(`No room for ${size} bytes on the disk`), { code: 'ENOSPC' })
}

/** For a write that the disk has refused in the middle: a quota is full where the disk is not. */
export function missingFor(
  error: unknown,
  files: FileSystem,
  path: string,
  size: number,
): CountMissing {
  return async () => {
    const missing = await countMissing(files, path, size)
    return missing === 0 && hasCode(error, 'EDQUOT') ? size : missing
  }
}

/** For what is known of the content, which is in small files: at most a hundredth of the disk. */
export const spareBytes: number = 1024 * 1024

async function countMissing(
  files: FileSystem,
  path: string,
  size: number,
  spare = 0,
): Promise<number> {
  const { bavail, blocks, bsize } = await files.statfs(path)
  // Some network filesystems count nothing at all.
  if (blocks === 0) return 0
  return Math.max(0, size + Math.min(spare, (blocks * bsize) / 100) - bavail * bsize)
}
