type Bytes = Uint8Array<ArrayBuffer>

/** Memory for one part, which grows with what comes, up to its size. */
export interface Part {
  isFull(): boolean
  /** Copies as much of the chunk as there is room for, and tells how many bytes. */
  add(chunk: Uint8Array): number
  /** The bytes so far; the part is empty after, with other memory. */
  take(): Bytes
}

const firstCapacity = 64 * 1024

export function createPart(partBytes: number, expectedBytes: number = firstCapacity): Part {
  const start = Math.min(partBytes, expectedBytes)
  let length = 0
  let buffer: Bytes = new Uint8Array(0)

  function makeRoom(total: number): void {
    if (total <= buffer.byteLength) return
    const former = buffer
    buffer = new Uint8Array(Math.min(partBytes, Math.max(start, total, 2 * former.byteLength)))
    buffer.set(former.subarray(0, length))
  }

  return {
    isFull: () => length === partBytes,

    add(chunk) {
      const count = Math.min(chunk.byteLength, partBytes - length)
      makeRoom(length + count)
      buffer.set(chunk.subarray(0, count), length)
      length += count
      return count
    },

    take() {
      const bytes = buffer.subarray(0, length)
      buffer = new Uint8Array(0)
      length = 0
      return bytes
    },
  }
}
