import { type FileSystem, hasCode } from './file-system.ts'

export function isFull(error: unknown): boolean {
  return hasCode(error, 'ENOSPC', 'EDQUOT')
}

/** Better no write than one that fails in the middle and has filled the disk for everybody else. */
export async function checkDisk(
  files: FileSystem,
  path: string,
  size: number,
  room: { readonly clear: (bytes: number) => Promise<void> },
): Promise<void> {
  const missing = await countMissing(files, path, size)
  if (missing === 0) return
  await room.clear(missing)
  if ((await countMissing(files, path, size)) === 0) return
  throw Object.assign(new Error(`No room for ${size} bytes on the disk`), { code: 'ENOSPC' })
}

async function countMissing(files: FileSystem, path: string, size: number): Promise<number> {
  const { bavail, blocks, bsize } = await files.statfs(path)
  // Some network filesystems count nothing at all.
  return blocks === 0 ? 0 : Math.max(0, size - bavail * bsize)
}
