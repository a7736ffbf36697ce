import { createHash } from 'node:crypto'
import type { BlobStore, Digest } from '@pullway/core'
import { type Bytes, isSame, makeBytes } from '../../contract/content.ts'

/** Content of any size that is made where it is asked for, so that a test holds none of it. */
export interface LazyContent {
  readonly size: number
  readonly digest: Digest
  at(position: number, length: number): Bytes
}

const blockBytes = 64 * 1024

export function createLazyContent(size: number): LazyContent {
  const base = makeBytes(blockBytes)
  const blockAt = (number: number): Bytes => {
    const block = base.slice(0, Math.min(blockBytes, size - number * blockBytes))
    // No block is another one.
    if (block.byteLength >= 4) new DataView(block.buffer).setUint32(0, number)
    return block
  }
  const hash = createHash('sha256')
  for (let number = 0; number * blockBytes < size; number += 1) hash.update(blockAt(number))

  return {
    size,
    digest: `sha256:${hash.digest('hex')}`,
    at(position, length) {
      const offset = position % blockBytes
      return blockAt(Math.floor(position / blockBytes)).slice(offset, offset + length)
    },
  }
}

export interface ForgetfulStore extends BlobStore {
  readonly committed: readonly Digest[]
  /** Of the write that was begun last. */
  readonly appendedBytes: number
  readonly openWrites: number
  /** Appends wait for this; by default for nothing. */
  delay: () => Promise<void>
}

/** A store that checks what it is given and gives it back, but keeps none of it in memory. */
export function createForgetfulStore(content: LazyContent): ForgetfulStore {
  const committed: Digest[] = []
  const absent = async (): Promise<undefined> => undefined
  let appendedBytes = 0
  let openWrites = 0
  const store: ForgetfulStore = {
    committed,
    delay: async () => undefined,
    get appendedBytes() {
      return appendedBytes
    },
    get openWrites() {
      return openWrites
    },
    stat: absent,
    open: absent,
    remove: absent,
    async write(digest) {
      appendedBytes = 0
      openWrites += 1
      return {
        async append(chunks) {
          await store.delay()
          for (const chunk of chunks) {
            for (let done = 0; done < chunk.byteLength;) {
              const right = content.at(appendedBytes, chunk.byteLength - done)
              if (!isSame(chunk.subarray(done, done + right.byteLength), right))
                throw new Error(`wrong bytes at ${appendedBytes}`)
              done += right.byteLength
              appendedBytes += right.byteLength
            }
          }
        },
        async read(position, length) {
          if (position >= appendedBytes) throw new RangeError(`no byte ${position} so far`)
          return content.at(position, Math.min(length, appendedBytes - position))
        },
        commit: async () => void committed.push(digest),
        release: async () => void (openWrites -= 1),
      }
    },
  }
  return store
}
