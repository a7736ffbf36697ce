/**
 * Buffers for reading files on their way to a socket. Large ones halve the CPU of a byte, but each stream
 * holds one for as long as its client takes: so the more are in use, the smaller the next one is.
 */
const kibibyte = 1024
const mebibyte = 1024 * kibibyte

const sizes = [
  { bytes: 512 * kibibyte, whileInUse: 16 * mebibyte },
  { bytes: 128 * kibibyte, whileInUse: 32 * mebibyte },
  { bytes: 16 * kibibyte, whileInUse: Infinity },
] as const

/** What the pool keeps of freed buffers, all sizes together. */
const mostKept = 8 * mebibyte

export interface BufferPool {
  take(): Buffer
  /** `isReusable: false` where the system may still read from it. */
  give(buffer: Buffer, isReusable: boolean): void
}

export function createBufferPool(): BufferPool {
  const free = new Map<number, Buffer[]>(sizes.map(({ bytes }) => [bytes, []]))
  let inUse = 0
  let kept = 0
  return {
    take() {
      const bytes = sizeFor(inUse)
      inUse += bytes
      const buffer = free.get(bytes)?.pop()
      if (buffer === undefined) return Buffer.allocUnsafeSlow(bytes)
      kept -= bytes
      return buffer
    },
    give(buffer, isReusable) {
      inUse -= buffer.length
      if (!isReusable || kept + buffer.length > mostKept) return
      kept += buffer.length
      free.get(buffer.length)?.push(buffer)
    },
  }
}

function sizeFor(inUse: number): number {
  const size = sizes.find(({ bytes, whileInUse }) => inUse + bytes <= whileInUse)
  return (size ?? sizes[2]).bytes
}
