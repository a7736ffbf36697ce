import type { BlobWrite, Clock } from '../ports.ts'
import { createFillMemory, type MemoryShare } from './fill-memory.ts'
import { createSpool } from './spool.ts'
import type { ForgivingStore } from './store.ts'
import { createTail } from './tail.ts'

type Bytes = Uint8Array<ArrayBuffer>

/** The bytes that are needed are neither in memory nor in the store any more. */
export class FellBehind extends Error {
  override readonly name = 'FellBehind'
}

/** What of a download can be given to clients: its last bytes from memory, all others from the store's write. */
export interface KeptBytes {
  /** Position after the last byte that has come. */
  end(): number
  /** The store takes what comes. */
  isStored(): boolean
  add(chunk: Bytes): void
  /** Stores what was added last; resolves when there is room for the next chunk. */
  store(chunk: Bytes): Promise<void>
  /** Where the last bytes begin that memory is for. */
  tailStart(): number
  /** Lets go of all but the last bytes, where nothing is stored. */
  trim(): void
  /** From one to `length` bytes, which may be in `into`. Throws FellBehind. */
  at(position: number, length: number, into: Bytes | undefined): Promise<Bytes>
  commit(): Promise<void>
  release(): Promise<void>
}

/** Where nothing can be read back, a client that is a little behind would have to ask upstream. */
const leastTailBytes = 32 * 1024

/** Without memory that is shared, as if it were the only one. */
export function createKeptBytes(
  write: BlobWrite | undefined,
  store: ForgivingStore,
  clock: Clock,
  memory: MemoryShare = createFillMemory().share(),
): KeptBytes {
  const tail = createTail()
  const onWritten = (): void => letGo(spool.end(), tailBytes())
  const spool = createSpool(write, store, clock, onWritten, memory)

  function tailBytes(): number {
    return Math.max(spool.givesBack() ? 0 : leastTailBytes, memory.tailBytes())
  }

  function letGo(position: number, keepBytes: number): void {
    tail.release(position, keepBytes)
    memory.hold(tail.byteLength)
  }

  return {
    end: () => tail.end,
    isStored: () => spool.isOpen(),
    add(chunk) {
      tail.push(chunk)
      memory.hold(tail.byteLength)
    },
    store: (chunk) => spool.put(chunk),
    tailStart: () => tail.end - tailBytes(),
    trim() {
      letGo(tail.end, tailBytes())
    },
    async at(position, length, into) {
      const held = tail.at(position)
      if (held) return held.byteLength > length ? held.subarray(0, length) : held
      try {
        const stored = await spool.read(position, length, into)
        if (stored) return stored
      } catch (cause) {
        throw new FellBehind('what is kept cannot be read', { cause })
      }
      throw new FellBehind('behind what is kept')
    },
    async commit() {
      await spool.commit()
      // Clients that are slow may follow for hours.
      if (spool.givesBack()) letGo(tail.end, 0)
    },
    async release() {
      letGo(tail.end, 0)
      await spool.release()
    },
  }
}
