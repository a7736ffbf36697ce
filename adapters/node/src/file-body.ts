import type { FileHandle } from 'node:fs/promises'
import type { ByteRange } from '@pullway/core'
import { offerNativeBody } from './native-body.ts'
import { closeWithOwner, keepOpenWithoutOwner } from './open-files.ts'

type Bytes = Uint8Array<ArrayBuffer>

/** From 64 KiB to 1 MiB the cost of a byte halves; most of that is reached here. */
const chunkBytes = 256 * 1024

/** A stream over a part of a file, which owns the handle and closes it once, whatever happens. */
export function createFileBody(
  handle: FileHandle,
  { first, last }: ByteRange,
): ReadableStream<Bytes> {
  let position = first
  let isTaken = false
  let isBegun = false
  let closing: Promise<void> | undefined

  function close(): Promise<void> {
    keepOpenWithoutOwner(handle)
    closing ??= handle.close()
    return closing
  }

  const stream = new ReadableStream<Bytes>(
    {
      async pull(controller) {
        if (isTaken) throw new Error('The server has taken the file behind this stream')
        isBegun = true
        try {
          const chunk = await readSome(handle, position, Math.min(chunkBytes, last + 1 - position))
          position += chunk.byteLength
          if (position > last) await close()
          controller.enqueue(chunk)
          if (position > last) controller.close()
        } catch (error) {
          await close()
          throw error
        }
      },

      async cancel() {
        if (!isTaken) await close()
      },
    },
    // Nothing is read ahead, so that an unread stream can still be taken.
    { highWaterMark: 0 },
  )

  closeWithOwner(stream, handle)
  offerNativeBody(stream, () => {
    if (isTaken || isBegun || closing) return undefined
    isTaken = true
    keepOpenWithoutOwner(handle)
    return { handle, first, last }
  })
  return stream
}

/** All bytes of a part of a file. */
export async function readFully(handle: FileHandle, { first, last }: ByteRange): Promise<Bytes> {
  const bytes = allocate(last + 1 - first)
  for (let length = 0; length < bytes.byteLength;) {
    length += await readInto(handle, bytes.subarray(length), first + length)
  }
  return bytes
}

/** At least one byte and at most `length`, in `into` or in memory of their own. */
export async function readSome(
  handle: FileHandle,
  position: number,
  length: number,
  into?: Bytes,
): Promise<Bytes> {
  const bytes = into?.subarray(0, length) ?? allocate(length)
  return bytes.subarray(0, await readInto(handle, bytes, position))
}

/** Not filled with zeros first, and no Buffer, whose `slice` copies nothing. */
function allocate(length: number): Bytes {
  return new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)
}

async function readInto(handle: FileHandle, bytes: Bytes, position: number): Promise<number> {
  const { bytesRead } = await handle.read(bytes, 0, bytes.byteLength, position)
  if (bytesRead === 0) throw new Error(`The file ends at byte ${position}, before its content does`)
  return bytesRead
}
