/**
 * The memory that all downloads have together. While there is some left, each reads ahead of the store and
 * keeps its last bytes for its clients; else each goes on with one chunk at a time, and none waits for another.
 */
export interface FillMemory {
  /** For a download that begins, and holds nothing yet. */
  share(): MemoryShare
}

/** What one of them has of it. */
export interface MemoryShare {
  /** Tells how much it holds now, all in all. */
  hold(bytes: number): void
  /** How much may wait for the store while as much again is being written; 0: nothing may. */
  waitingBytes(): number
  /** How many of its last bytes it may keep, so that clients at its end cost no read. */
  tailBytes(): number
}

const kibibyte = 1024
const mebibyte = 1024 * kibibyte

/** Of all downloads, but for a chunk of each. */
const togetherBytes = 8 * mebibyte
/** More makes a single download no faster. */
const most = { waitingBytes: 512 * kibibyte, tailBytes: 256 * kibibyte }
/** What sockets give at a time. */
const chunkBytes = 64 * kibibyte

export function createFillMemory(): FillMemory {
  let heldBytes = 0

  /** Less than a chunk is none. */
  function upTo(bytes: number): number {
    const left = togetherBytes - heldBytes
    return left < chunkBytes ? 0 : Math.min(bytes, left)
  }

  return {
    share() {
      let own = 0
      return {
        hold(bytes) {
          heldBytes += bytes - own
          own = bytes
        },
        waitingBytes: () => upTo(most.waitingBytes),
        tailBytes: () => upTo(most.tailBytes),
      }
    },
  }
}
