/** The last bytes of a growing content, in memory. */
export interface Tail {
  /** Position after the last byte. */
  readonly end: number
  /** How many there are. */
  readonly byteLength: number
  push(chunk: Uint8Array<ArrayBuffer>): void
  /** The chunk that holds a position, from there on; undefined when it has been let go. */
  at(position: number): Uint8Array<ArrayBuffer> | undefined
  /** Lets go of chunks from the front that end at or before `position`, but keeps about `keepBytes`. */
  release(position: number, keepBytes: number): void
}

export function createTail(): Tail {
  let chunks: { readonly start: number; readonly bytes: Uint8Array<ArrayBuffer> }[] = []
  let end = 0

  return {
    get end() {
      return end
    },
    get byteLength() {
      return end - (chunks[0]?.start ?? end)
    },
    push(bytes) {
      chunks.push({ start: end, bytes })
      end += bytes.byteLength
    },
    at(position) {
      // Most readers are at the end.
      for (let index = chunks.length - 1; index >= 0; index--) {
        const chunk = chunks[index]
        if (chunk && chunk.start <= position) {
          const bytes = chunk.bytes.subarray(position - chunk.start)
          return bytes.byteLength > 0 ? bytes : undefined
        }
      }
      return undefined
    },
    release(position, keepBytes) {
      const limit = Math.min(position, end - keepBytes)
      const kept = chunks.findIndex(({ start, bytes }) => start + bytes.byteLength > limit)
      if (kept > 0) chunks = chunks.slice(kept)
      if (kept < 0) chunks = []
    },
  }
}
