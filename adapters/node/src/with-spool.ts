import { join } from 'node:path'
import type { BlobStore, BlobWrite } from '@pullway/core'
import { type FileSystem, nodeFileSystem } from './file-system.ts'
import { beginWrite } from './filesystem-blob-write.ts'
import { ingestName } from './leftovers.ts'

export interface SpoolOptions {
  /** For what is on its way into the store. */
  readonly folder: string
  readonly files?: FileSystem
}

const pieceBytes = 1024 * 1024

/**
 * Lets clients follow a download into a store that cannot read what is half written: it goes to a local file
 * first, and from there, verified and with its size known, into the store.
 */
export function withSpool<Store extends BlobStore>(
  store: Store,
  { folder, files = nodeFileSystem }: SpoolOptions,
): Store {
  return {
    ...store,
    async write(digest, size) {
      const aside = join(folder, ingestName())
      const local = await beginWrite({ files, aside, place: aside, size })
      let length = 0
      return {
        async append(chunks) {
          await local.append(chunks)
          length += chunks.reduce((total, chunk) => total + chunk.byteLength, 0)
        },
        read: (position, atMost, into) => readBack(local, position, atMost, into),
        async commit() {
          if (size !== undefined && length !== size) {
            throw new RangeError(`${length} bytes instead of the ${size} announced`)
          }
          const remote = await store.write(digest, length)
          try {
            await copy(local, remote, length)
            await remote.commit()
          } finally {
            await remote.release()
          }
        },
        release: () => local.release(),
      }
    },
  }
}

async function copy(from: BlobWrite, to: BlobWrite, length: number): Promise<void> {
  for (let position = 0; position < length;) {
    const piece = await readBack(from, position, Math.min(pieceBytes, length - position))
    await to.append([piece])
    position += piece.byteLength
  }
}

async function readBack(
  write: BlobWrite,
  ...wanted: Parameters<NonNullable<BlobWrite['read']>>
): Promise<Uint8Array<ArrayBuffer>> {
  const piece = await write.read?.(...wanted)
  if (piece === undefined) throw new Error('A file cannot be read back')
  return piece
}
