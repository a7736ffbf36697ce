/** What one download may hold in memory. */
export interface FillMemory {
  /** Waiting for the store while as much again is being written; 0: each chunk is written before the next comes. */
  readonly waitingBytes: number
  /** Its last bytes, so that clients at its end cost no read. */
  readonly tailBytes: number
}

const kibibyte = 1024
const mebibyte = 1024 * kibibyte

const most: FillMemory = { waitingBytes: 512 * kibibyte, tailBytes: 256 * kibibyte }
const leastTailBytes = 32 * kibibyte
/** What sockets give at a time. */
const chunkBytes = 64 * kibibyte
/** Of all downloads together, but for a chunk of each. */
const together: FillMemory = { waitingBytes: 16 * mebibyte, tailBytes: 16 * mebibyte }

/** The more downloads run, the less each of them holds: five hundred at once must not fill the memory. */
export function memoryFor(downloads: number): FillMemory {
  const share = (key: keyof FillMemory): number =>
    Math.min(most[key], Math.floor(together[key] / Math.max(downloads, 1)))
  const waitingBytes = share('waitingBytes')
  return {
    waitingBytes: waitingBytes < chunkBytes ? 0 : waitingBytes,
    tailBytes: Math.max(leastTailBytes, share('tailBytes')),
  }
}
