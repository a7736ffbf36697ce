/**
 * Buffers for reading files on their way to a socket. Large ones halve the CPU of a byte, but each stream
 * holds one for as long as its client takes: so the more are in use, the smaller the next one is.
 */
const kibibyte = 1024
const mebibyte = 1024 * kibibyte

const sizes = [
  { bytes: 256 * kibibyte, whileInUse: 8 * mebibyte },
  { bytes: 64 * kibibyte, whileInUse: 12 * mebibyte },
  { bytes: 16 * kibibyte, whileInUse: Infinity },
] as const

/** What the pool keeps of freed buffers, all sizes together. */
const mostKept = 4 * mebibyte

export interface BufferPool {
  /** At most `maxBytes`, where more would do no good. */
  take(maxBytes?: number): Buffer<ArrayBuffer>
  /** Ends the use of so many bytes; without the buffer where the system may still read from it. */
  give(bytes: number, buffer?: Buffer<ArrayBuffer>): void
}

export function createBufferPool(): BufferPool {
  const free = new Map<number, Buffer<ArrayBuffer>[]>(sizes.map(({ bytes }) => [bytes, []]))
  let inUse = 0
  let kept = 0
  return {
    take(maxBytes = Infinity) {
      const bytes = sizeFor(inUse, maxBytes)
      inUse += bytes
      const buffer = free.get(bytes)?.pop()
      if (buffer === undefined) return Buffer.allocUnsafeSlow(bytes)
      kept -= bytes
      return buffer
    },
    give(bytes, buffer) {
      inUse -= bytes
      if (buffer === undefined || kept + bytes > mostKept) return
      kept += bytes
      free.get(bytes)?.push(buffer)
    },
  }
}

function sizeFor(inUse: number, maxBytes: number): number {
  const size = sizes.find(
    ({ bytes, whileInUse }) => bytes <= maxBytes && inUse + bytes <= whileInUse,
  )
  return (size ?? sizes[2]).bytes
}
