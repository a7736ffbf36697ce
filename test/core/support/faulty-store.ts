import type { BlobStore, BlobWrite, Digest, StoredBlob } from '@pullway/core'
import { createMemoryBlobStore } from '@pullway/memory'

export type StoreFault = 'stat' | 'open' | 'write' | 'append' | 'read' | 'commit'

export interface FaultyStore extends BlobStore {
  /** Makes an operation fail from now on, or from its nth time. */
  fail(fault: StoreFault, fromNth?: number): void
  repair(): void
  /** Writes that were begun and not released yet. */
  readonly openWrites: number
  readonly appendedBytes: number
}

/** A store in memory whose operations fail as told; a failed append keeps none of its bytes. */
export function createFaultyStore(inner?: BlobStore): FaultyStore {
  const store = inner ?? createMemoryBlobStore({ maxBytes: 256 * 2 ** 20 })
  const failing = new Map<StoreFault, number>()
  let openWrites = 0
  let appendedBytes = 0

  const check = (fault: StoreFault): void => {
    const left = failing.get(fault)
    if (left === undefined) return
    if (left <= 1) throw new Error(`${fault}: no space left on device`)
    failing.set(fault, left - 1)
  }

  function wrap(write: BlobWrite): BlobWrite {
    openWrites += 1
    let isReleased = false
    return {
      async append(chunks) {
        check('append')
        await write.append(chunks)
        for (const chunk of chunks) appendedBytes += chunk.byteLength
      },
      async read(position, length) {
        check('read')
        if (isReleased) throw new Error('read after release')
        return write.read!(position, length)
      },
      async commit() {
        check('commit')
        await write.commit()
      },
      async release() {
        if (!isReleased) openWrites -= 1
        isReleased = true
        await write.release()
      },
    }
  }

  return {
    async stat(digest: Digest) {
      check('stat')
      return store.stat(digest)
    },
    async open(digest, range): Promise<StoredBlob | undefined> {
      check('open')
      return store.open(digest, range)
    },
    async write(digest, size) {
      check('write')
      return wrap(await store.write(digest, size))
    },
    remove: (digest) => store.remove(digest),
    fail: (fault, fromNth = 1) => void failing.set(fault, fromNth),
    repair: () => failing.clear(),
    get openWrites() {
      return openWrites
    },
    get appendedBytes() {
      return appendedBytes
    },
  }
}
