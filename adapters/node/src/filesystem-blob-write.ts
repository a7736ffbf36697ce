import type { FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { BlobWrite } from '@pullway/core'
import { checkDisk, type CountMissing, isFull, missingFor } from './disk-room.ts'
import { readSome } from './file-body.ts'
import { type FileSystem, inFolder } from './file-system.ts'
import { closeWithOwner, keepOpenWithoutOwner } from './open-files.ts'
import { writeAll } from './write-all.ts'

export interface WriteOptions {
  readonly files: FileSystem
  /** Where it is written. */
  readonly aside: string
  /** Where its commit moves it. */
  readonly place: string
  readonly size: number | undefined
  readonly room?: WriteRoom
}

/** Says how much may be written. */
export interface WriteRoom {
  /** Takes room for so many bytes more; throws where there is none. */
  take(bytes: number): Promise<void>
  give(bytes: number): void
  /** All is written aside and verified, and goes to its place by `move`. */
  commit(aside: string, size: number, move: () => Promise<void>): Promise<void>
  /** The disk is full: makes room for what is missing, if it can. */
  clear(missing: CountMissing): Promise<void>
}

const endless: WriteRoom = {
  take: () => Promise.resolve(),
  give: () => undefined,
  commit: (_aside, _size, move) => move(),
  clear: () => Promise.resolve(),
}

export async function beginWrite(options: WriteOptions): Promise<BlobWrite> {
  const { files, aside, size, room = endless } = options
  await room.take(size ?? 0)
  let handle: FileHandle
  try {
    // In and out: `read` goes through the same handle.
    handle = await inFolder(files, dirname(aside), () => files.open(aside, 'wx+', 0o644))
  } catch (error) {
    room.give(size ?? 0)
    throw error
  }
  const write = createWrite({ ...options, room }, handle)
  closeWithOwner(write, handle)
  try {
    if (size !== undefined) await checkDisk(files, aside, size, (missing) => room.clear(missing))
  } catch (error) {
    await write.release()
    throw error
  }
  return write
}

/** So much is made free where a disk is full and nobody knows how much is to come. */
const clearedBytes = 16 * 1024 * 1024

function createWrite(
  { files, aside, place, size, room }: WriteOptions & { readonly room: WriteRoom },
  handle: FileHandle,
): BlobWrite {
  let length = 0
  let taken = size ?? 0
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
        if (size === undefined) await takeMore(chunks)
        try {
          length += await writeAll(handle, chunks, length)
        } catch (error) {
          if (!isFull(error)) throw error
          const wanted = size === undefined ? clearedBytes : size - length
          await room.clear(missingFor(error, files, aside, wanted))
          length += await writeAll(handle, chunks, length)
        }
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
        await room.commit(aside, length, async () => {
          await inFolder(files, dirname(place), () => files.rename(aside, place))
          isCommitted = true
          giveBack()
        })
      })
    },

    release() {
      released ??= last.catch(() => undefined).then(free)
      return released
    },
  }

  async function takeMore(chunks: readonly Uint8Array[]): Promise<void> {
    const bytes = chunks.reduce((total, chunk) => total + chunk.byteLength, 0)
    await room.take(bytes)
    taken += bytes
  }

  function giveBack(): void {
    room.give(taken)
    taken = 0
  }

  async function free(): Promise<void> {
    giveBack()
    keepOpenWithoutOwner(handle)
    await Promise.allSettled([handle.close()])
    // What cannot be removed now is a leftover like any other.
    if (!isCommitted) await Promise.allSettled([files.unlink(aside)])
  }
}
