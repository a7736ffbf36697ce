import type { BlobWrite, Clock } from '../ports.ts'
import { createFillMemory, type MemoryShare } from './fill-memory.ts'
import type { ForgivingStore } from './store.ts'

/** A write into the store that takes chunks faster than the disk does, up to a bound. */
export interface Spool {
  /** False when there is no store, or it has failed: nothing more is taken then. */
  isOpen(): boolean
  /** Takes a chunk; resolves when there is room for the next one. */
  put(chunk: Uint8Array): Promise<void>
  /** Position after the last byte that `read` gives back. */
  end(): number
  /** All that it takes can be read back, once it is written. */
  givesBack(): boolean
  /** Undefined where the bytes cannot be read back. */
  read(
    position: number,
    length: number,
    into?: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer>> | undefined
  /** Writes out what waits and makes the blob visible; a failure is reported, not thrown. */
  commit(): Promise<void>
  release(): Promise<void>
}

/** Clients wait for the store meanwhile: one that hangs is done without. */
const patienceMs = 15_000

export function createSpool(
  write: BlobWrite | undefined,
  store: ForgivingStore,
  clock: Clock,
  onWritten: () => void,
  memory: Pick<MemoryShare, 'waitingBytes'> = createFillMemory().share(),
): Spool {
  let isOpen = write !== undefined
  let hangs = false
  let waiting: Uint8Array[] = []
  let waitingBytes = 0
  let end = 0
  let writing: Promise<void> | undefined

  return {
    isOpen: () => isOpen,
    end: () => end,
    givesBack: () => isOpen && write?.read !== undefined,
    async put(chunk) {
      waiting.push(chunk)
      waitingBytes += chunk.byteLength
      writing ??= writeOut()
      const limit = memory.waitingBytes()
      if (limit === 0 || waitingBytes > limit) await room(writing)
    },
    read(position, length, into) {
      if (position >= end) return undefined
      return write?.read?.(position, Math.min(length, end - position), into)
    },
    async commit() {
      await writing
      if (!write || !isOpen) return
      try {
        await write.commit()
        store.reportCommit()
      } catch (error) {
        fail(error)
      }
    },
    async release() {
      if (!hangs) await writing
      await write?.release()
    },
  }

  async function room(written: Promise<void>): Promise<void> {
    const over = new AbortController()
    const late = clock.sleep(patienceMs, over.signal).then(() => !over.signal.aborted)
    hangs = await Promise.race([written.then(() => false), late])
    over.abort()
    if (!hangs) return
    stop()
    store.reportHang(new Error(`the store took nothing for ${String(patienceMs / 1000)} s`))
    // Also what is on its way: it may hold connections and memory for minutes.
    void write?.release()
  }

  /** Hands all that waits to the store in one call, again and again until nothing waits. */
  async function writeOut(): Promise<void> {
    while (waiting.length > 0 && write && isOpen) {
      const batch = waiting
      const bytes = waitingBytes
      waiting = []
      waitingBytes = 0
      try {
        await write.append(batch)
        end += bytes
        onWritten()
      } catch (error) {
        fail(error)
      }
    }
    writing = undefined
  }

  function fail(error: unknown): void {
    if (isOpen) store.reportWrite(error)
    stop()
  }

  function stop(): void {
    isOpen = false
    waiting = []
    waitingBytes = 0
  }
}
