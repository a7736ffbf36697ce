import { join } from 'node:path'
import type { BlobStore, ByteRange, Clock, Digest, Logger } from '@pullway/core'
import { createFileBody, readFully } from './file-body.ts'
import { absentAsUndefined, type FileSystem, nodeFileSystem } from './file-system.ts'
import { beginWrite } from './filesystem-blob-write.ts'
import { ingestName, removeLeftovers } from './leftovers.ts'

export interface FilesystemBlobStoreOptions {
  readonly path: string
  readonly clock: Clock
  readonly logger: Logger
  readonly files?: FileSystem
}

export interface FilesystemBlobStore extends BlobStore {
  /** Removes what writers that died have left; gives the number of files. Never throws. */
  sweepLeftovers(): Promise<number>
}

/** Below this an answer of bytes is cheaper than one of a stream. */
const smallBytes = 64 * 1024

/**
 * `blobs/<algorithm>/<2 hex>/<hex>` holds whole blobs only: they are written in `ingest` and renamed, so any
 * number of processes may share the folder.
 */
export function createFilesystemBlobStore({
  path,
  clock,
  logger,
  files = nodeFileSystem,
}: FilesystemBlobStoreOptions): FilesystemBlobStore {
  const ingest = join(path, 'ingest')

  return {
    async stat(digest) {
      const entry = await absentAsUndefined(files.stat(blobPath(path, digest)))
      return entry && { size: entry.size }
    },

    async open(digest, range) {
      const handle = await absentAsUndefined(files.open(blobPath(path, digest), 'r'))
      if (handle === undefined) return undefined
      let isHandedOn = false
      try {
        const { size } = await handle.stat()
        const part = checkRange(range ?? { first: 0, last: size - 1 }, size)
        if (part.last - part.first < smallBytes) {
          return { size, content: await readFully(handle, part) }
        }
        isHandedOn = true
        return { size, ...createFileBody(handle, part) }
      } finally {
        if (!isHandedOn) await handle.close()
      }
    },

    async write(digest, size) {
      return await beginWrite(files, join(ingest, ingestName()), blobPath(path, digest), size)
    },

    async remove(digest) {
      await absentAsUndefined(files.unlink(blobPath(path, digest)))
    },

    sweepLeftovers: () => removeLeftovers({ folder: ingest, clock, logger, files }),
  }
}

/** Checked where it was parsed; checked again since here it becomes a path. */
const digestPattern = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/

function blobPath(path: string, digest: Digest): string {
  if (!digestPattern.test(digest)) throw new TypeError('A digest that is none came to the store')
  const [algorithm = '', hex = ''] = digest.split(':')
  return join(path, 'blobs', algorithm, hex.slice(0, 2), hex)
}

function checkRange(range: ByteRange, size: number): ByteRange {
  if (range.last < size) return range
  throw new RangeError(`No bytes ${range.first}-${range.last} of ${size}`)
}
