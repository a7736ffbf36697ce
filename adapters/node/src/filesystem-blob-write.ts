import type { FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { BlobWrite } from '@pullway/core'
import { readSome } from './file-body.ts'
import { type FileSystem, inFolder } from './file-system.ts'
import { closeWithOwner, keepOpenWithoutOwner } from './open-files.ts'

/** Begins a write into `aside` that its commit moves to `place`. */
export async function beginWrite(
  files: FileSystem,
  aside: string,
  place: string,
  size: number | undefined,
): Promise<BlobWrite> {
  // In and out: `read` goes through the same handle.
  const handle = await inFolder(files, dirname(aside), () => files.open(aside, 'wx+', 0o644))
  const write = createWrite(files, handle, aside, place, size)
  closeWithOwner(write, handle)
  try {
    if (size !== undefined) await checkRoom(files, aside, size)
  } catch (error) {
    await write.release()
    throw error
  }
  return write
}

function createWrite(
  files: FileSystem,
  handle: FileHandle,
  aside: string,
  place: string,
  size: number | undefined,
): BlobWrite {
  let length = 0
  let isCommitted = false
  let released: Promise<void> | undefined
  let last: Promise<void> = Promise.resolve()

  /** One after the other, and none after one that failed: a gap must never be committed. */
  function inOrder(work: () => Promise<void>): Promise<void> {
    last = last.then(work)
    return last
  }

  return {
    append(chunks) {
      return inOrder(async () => {
        length += await writeAll(handle, chunks, length)
      })
    },

    async read(position, atMost, into) {
      if (position >= length) throw new RangeError(`No byte ${position} of ${length} so far`)
      return readSome(handle, position, Math.min(atMost, length - position), into)
    },

    commit() {
      return inOrder(async () => {
        if (size !== undefined && length !== size) {
          throw new RangeError(`${length} bytes instead of the ${size} announced`)
        }
        // Before the rename: after a power cut a name without its content would look like a whole blob.
        await handle.sync()
        await inFolder(files, dirname(place), () => files.rename(aside, place))
        isCommitted = true
      })
    },

    release() {
      released ??= last.catch(() => undefined).then(free)
      return released
    },
  }

  async function free(): Promise<void> {
    keepOpenWithoutOwner(handle)
    await Promise.allSettled([handle.close()])
    // What cannot be removed now is a leftover like any other.
    if (!isCommitted) await Promise.allSettled([files.unlink(aside)])
  }
}

/** Better no write than one that fails in the middle and has filled the disk for everybody else. */
async function checkRoom(files: FileSystem, path: string, size: number): Promise<void> {
  const { bavail, blocks, bsize } = await files.statfs(path)
  // Some network filesystems count nothing at all.
  if (blocks === 0 || bavail * bsize >= size) return
  throw Object.assign(new Error(`No room for ${size} bytes on the disk`), { code: 'ENOSPC' })
}

/** One call may write less than it was given. */
async function writeAll(
  handle: FileHandle,
  chunks: readonly Uint8Array[],
  start: number,
): Promise<number> {
  let position = start
  let rest = chunks.filter((chunk) => chunk.byteLength > 0)
  while (rest.length > 0) {
    const { bytesWritten } = await handle.writev(rest, position)
    if (bytesWritten === 0) throw new Error('The disk takes no more bytes')
    position += bytesWritten
    rest = without(rest, bytesWritten)
  }
  return position - start
}

function without(chunks: Uint8Array[], bytes: number): Uint8Array[] {
  let left = bytes
  const firstUnwritten = chunks.findIndex((chunk) => {
    if (left < chunk.byteLength) return true
    left -= chunk.byteLength
    return false
  })
  if (firstUnwritten === -1) return []
  const [first, ...others] = chunks.slice(firstUnwritten)
  return first === undefined ? [] : [first.subarray(left), ...others]
}
