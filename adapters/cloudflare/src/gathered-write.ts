import type { BlobWrite } from '@pullway/core'

export interface GatheredWriteOptions {
  readonly size: number | undefined
  readonly maxBytes: number
  /** Stores all bytes at once. */
  readonly put: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>
}

/** A write that is held in memory and stored on commit: for manifests, in stores that take whole objects. */
export function createGatheredWrite({ size, maxBytes, put }: GatheredWriteOptions): BlobWrite {
  const pieces: Uint8Array[] = []
  let gathered: Uint8Array<ArrayBuffer> | undefined
  let length = 0
  if (size !== undefined && size > maxBytes) throw tooLarge(maxBytes)

  function all(): Uint8Array<ArrayBuffer> {
    if (gathered?.byteLength === length) return gathered
    gathered = new Uint8Array(length)
    let position = 0
    for (const piece of pieces) {
      gathered.set(piece, position)
      position += piece.byteLength
    }
    return gathered
  }

  /* eslint-disable @typescript-eslint/require-await -- an asynchronous port, implemented without waiting */
  return {
    async append(chunks) {
      for (const chunk of chunks) {
        length += chunk.byteLength
        if (length > maxBytes) throw tooLarge(maxBytes)
        pieces.push(chunk)
      }
    },

    async read(position, atMost) {
      if (position >= length) throw new RangeError(`No byte ${position} of ${length} so far`)
      return all().subarray(position, Math.min(position + atMost, length))
    },

    async commit() {
      if (size !== undefined && length !== size) {
        throw new RangeError(`${length} bytes instead of the ${size} announced`)
      }
      await put(all())
    },

    async release() {
      pieces.length = 0
    },
  }
}

function tooLarge(maxBytes: number): Error {
  return new Error(`More than the ${maxBytes} bytes that this store takes at once`)
}
