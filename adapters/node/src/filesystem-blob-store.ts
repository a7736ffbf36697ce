import { join } from 'node:path'
import type { BlobStore, ByteRange, Clock, Digest, Logger } from '@pullway/core'
import { type CacheIndex, createCacheIndex } from './cache-index.ts'
import { blobPath, ingestFolder } from './cache-layout.ts'
import { type CacheUsage, createCacheRoom } from './cache-room.ts'
import { createCacheUse } from './cache-use.ts'
import { createFileBody, readFully } from './file-body.ts'
import { absentAsUndefined, type FileSystem, nodeFileSystem, toRead } from './file-system.ts'
import { beginWrite, type WriteRoom } from './filesystem-blob-write.ts'
import { ingestName, removeLeftovers } from './leftovers.ts'

export interface FilesystemBlobStoreOptions {
  readonly path: string
  readonly clock: Clock
  readonly logger: Logger
  /** What is used least goes when more is stored. Undefined: as much as the disk has. */
  readonly maxBytes?: number | undefined
  readonly files?: FileSystem
}

export interface FilesystemBlobStore extends BlobStore {
  used(digest: Digest): void
  /** Removes what writers that died have left; gives the number of files. Never throws. */
  sweepLeftovers(): Promise<number>
  /** Counts what is here, as other processes write and remove too, and goes back to the limit. Never throws. */
  tidy(): Promise<void>
  usage(): CacheUsage
  /** Calls with whatever is here no more. */
  onRemoved(listener: (digest: Digest) => void): void
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
  maxBytes,
  files = nodeFileSystem,
}: FilesystemBlobStoreOptions): FilesystemBlobStore {
  const ingest = ingestFolder(path)
  let tell: (digest: Digest) => void = () => undefined
  const onRemoved = (digest: Digest): void => tell(digest)
  const index: CacheIndex = createCacheIndex({ path, clock, files, onRemoved })
  const room = createCacheRoom({ path, clock, logger, files, index, maxBytes })
  const keepDate = createCacheUse({
    path,
    clock,
    files,
    onAbsent: (digest) => index.removed(digest),
  })

  function used(digest: Digest): void {
    index.used(digest)
    keepDate(digest)
  }

  return {
    used,
    tidy: () => room.tidy(),
    usage: () => room.usage(),
    onRemoved: (listener) => void (tell = listener),

    async stat(digest) {
      const entry = await absentAsUndefined(files.stat(blobPath(path, digest)))
      return entry && { size: entry.size }
    },

    async open(digest, range) {
      const handle = await absentAsUndefined(files.open(blobPath(path, digest), toRead))
      if (handle === undefined) return undefined
      used(digest)
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
      const place = blobPath(path, digest)
      const commit: WriteRoom['commit'] = (...all) => room.commit(digest, ...all)
      const aside = join(ingest, ingestName())
      return await beginWrite({ files, aside, place, size, room: { ...room, commit } })
    },

    async remove(digest) {
      await absentAsUndefined(files.unlink(blobPath(path, digest)))
      index.removed(digest)
    },

    sweepLeftovers: () => removeLeftovers({ folder: ingest, clock, logger, files }),
  }
}

function checkRange(range: ByteRange, size: number): ByteRange {
  if (range.last < size) return range
  throw new RangeError(`No bytes ${range.first}-${range.last} of ${size}`)
}
