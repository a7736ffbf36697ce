import {
  type ByteRange,
  type Clock,
  DamagedBlobError,
  type Digest,
  type GoOn,
  type StoredBlob,
} from '../ports.ts'
import type { ForgivingStore } from './store.ts'
import { mend } from './stored-source.ts'

export interface StoredBlobsOptions<Wanted> {
  readonly store: ForgivingStore
  readonly clock: Clock
  readonly idleMs: number
  /** Whether JavaScript may touch what the store gives. */
  readonly isMended: boolean
  /** The bytes of a range from upstream; `endsWhole` when the client got all that comes before from the store. */
  readonly fetchRest: (
    wanted: Wanted,
    range: ByteRange,
    endsWhole: boolean,
  ) => Promise<ReadableStream<Uint8Array>>
}

interface Stored {
  readonly digest: Digest
  readonly knownSize: number | undefined
}

/** Blobs of the store, whose answers outlive the store: what cannot be read goes on from upstream. */
export interface StoredBlobs<Wanted> {
  /** The size; undefined also where it is not the blob's. */
  size(wanted: Stored): Promise<number | undefined>
  open(wanted: Wanted, range?: ByteRange): Promise<StoredBlob | undefined>
}

export function createStoredBlobs<Wanted extends Stored>(
  options: StoredBlobsOptions<Wanted>,
): StoredBlobs<Wanted> {
  const { store, isMended, fetchRest } = options

  return {
    async size({ digest, knownSize }) {
      const stat = await store.stat(digest)
      return stat && isRight(knownSize, stat.size) ? stat.size : undefined
    },
    async open(wanted, range) {
      const stored = await store.open(wanted.digest, range)
      if (!stored) return undefined
      const { size } = stored
      if (!isRight(wanted.knownSize, size)) {
        await discard(stored)
        store.reportRead(new DamagedBlobError(`${wanted.digest} has ${String(size)} bytes`))
        return undefined
      }
      return isMended ? withRest(wanted, stored, range ?? { first: 0, last: size - 1 }) : stored
    },
  }

  function withRest(wanted: Wanted, stored: StoredBlob, range: ByteRange): StoredBlob {
    const endsWhole = range.first === 0 && range.last === stored.size - 1
    const goOnAfter =
      (start: number): GoOn =>
      async (position, error) => {
        const rest = { first: position, last: range.last }
        store.reportRead(error)
        if (error instanceof DamagedBlobError) await store.remove(wanted.digest)
        else if (position > start) {
          // It may be the one connection only that broke: the store's bytes are nearer, and verified.
          const again = await store.open(wanted.digest, rest)
          if (again?.size === stored.size) return toStream(mendFrom(again, rest))
          if (again) await discard(again)
        }
        return fetchRest(wanted, rest, endsWhole)
      }
    const mendFrom = (found: StoredBlob, part: ByteRange): StoredBlob['content'] =>
      mend(found, part, { ...options, goOn: goOnAfter(part.first) })
    return { size: stored.size, content: mendFrom(stored, range) }
  }
}

function isRight(knownSize: number | undefined, size: number): boolean {
  return knownSize === undefined || knownSize === size
}

function toStream(content: StoredBlob['content']): ReadableStream<Uint8Array> {
  return content instanceof Uint8Array ? new Blob([content]).stream() : content
}

async function discard({ content }: StoredBlob): Promise<void> {
  if (content instanceof ReadableStream) await content.cancel().catch(() => undefined)
}
