import type { CreateHasher, Digest, Hasher } from '../ports.ts'
import { algorithmOf } from '../request/reference.ts'
import { DigestMismatch, type Fill } from './fill.ts'
import { FellBehind } from './kept-bytes.ts'
import type { SourceReader } from './source-reader.ts'

export interface WholeCheckOptions {
  readonly createHasher: CreateHasher
  readonly digest: Digest
  /** Every byte is hashed as the client gets it; else all that it has at once, when a second download begins. */
  readonly isFromStart: boolean
  /** Hears that the bytes were wrong. */
  readonly onMismatch: () => void
}

/**
 * The digest over what one client gets from two downloads, of which each is checked at most by itself. Hashing costs
 * more than sending: where the store works a client needs no second download, and so is not hashed for.
 */
export interface WholeCheck {
  /** The next bytes that the client gets. */
  update(bytes: Uint8Array): void
  /** Hashes what a client has; false where it cannot be read back, and nothing is hashed then. */
  catchUp(fill: Fill, position: number, signal: AbortSignal): Promise<boolean>
  /** Hashes the same bytes of another download instead. */
  skip(reader: SourceReader, position: number, signal: AbortSignal): Promise<void>
  /** Throws DigestMismatch, and holds it against the second download. */
  verify(reader: SourceReader): void
}

const chunkBytes = 64 * 1024

export function createWholeCheck({
  createHasher,
  digest,
  isFromStart,
  onMismatch,
}: WholeCheckOptions): WholeCheck {
  const begin = (): Hasher => createHasher(algorithmOf(digest))
  let hasher = isFromStart ? begin() : undefined

  return {
    update(bytes) {
      hasher?.update(bytes)
    },

    async catchUp(fill, position, signal) {
      if (hasher) return true
      const follower = fill.follow(0)
      try {
        // A store that takes no more can still be read, up to where it failed.
        hasher = await hash(position, signal, (memory) => follower.next(memory.byteLength, memory))
      } catch (error) {
        if (!(error instanceof FellBehind)) throw error
      } finally {
        follower.leave()
      }
      return hasher !== undefined
    },

    async skip(reader, position, signal) {
      hasher = await hash(position, signal, async (memory) =>
        memory.subarray(0, await reader.read(memory)),
      )
    },

    verify(reader) {
      if (!hasher || digest.endsWith(`:${hasher.hex()}`)) return
      const mismatch = new DigestMismatch(`what a slow client got is not ${digest}`)
      onMismatch()
      reader.blame(mismatch.message)
      throw mismatch
    },
  }

  async function hash(
    length: number,
    signal: AbortSignal,
    read: (memory: Uint8Array<ArrayBuffer>) => Promise<Uint8Array | undefined>,
  ): Promise<Hasher> {
    const begun = begin()
    const memory = new Uint8Array(Math.min(chunkBytes, length))
    for (let left = length; left > 0;) {
      signal.throwIfAborted()
      const bytes = await read(memory.subarray(0, left))
      if (!bytes?.byteLength) throw new Error('the download of a slow client was cut')
      begun.update(bytes)
      left -= bytes.byteLength
    }
    return begun
  }
}
