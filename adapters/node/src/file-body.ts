import type { FileHandle } from 'node:fs/promises'
import { type ByteRange, DamagedBlobError, type GoOn } from '@pullway/core'
import { hasCode } from './file-system.ts'
import { offerNativeBody } from './native-body.ts'
import { closeWithOwner, keepOpenWithoutOwner } from './open-files.ts'

type Bytes = Uint8Array<ArrayBuffer>

/** From 64 KiB to 1 MiB the cost of a byte halves; most of that is reached here. */
const chunkBytes = 256 * 1024

export interface FileBody {
  readonly content: ReadableStream<Bytes>
  readonly whenBroken: (goOn: GoOn) => void
}

/** A stream over a part of a file, which owns the handle and closes it once, whatever happens. */
export function createFileBody(handle: FileHandle, { first, last }: ByteRange): FileBody {
  let position = first
  let isTaken = false
  let isBegun = false
  let closing: Promise<void> | undefined
  let goOn: GoOn | undefined
  let rest: ReadableStreamDefaultReader<Bytes> | undefined

  function close(): Promise<void> {
    keepOpenWithoutOwner(handle)
    closing ??= handle.close()
    return closing
  }

  async function next(): Promise<Bytes | undefined> {
    if (rest) return (await rest.read()).value
    try {
      const chunk = await readSome(handle, position, Math.min(chunkBytes, last + 1 - position))
      if (position + chunk.byteLength > last) await close()
      return chunk
    } catch (error) {
      const wasClosed = closing !== undefined
      await close()
      if (wasClosed || !goOn) throw error
      rest = ((await goOn(position, error)) as ReadableStream<Bytes>).getReader()
      return (await rest.read()).value
    }
  }

  const content = new ReadableStream<Bytes>(
    {
      async pull(controller) {
        if (isTaken) throw new Error('The server has taken the file behind this stream')
        isBegun = true
        const chunk = await next()
        if (chunk === undefined) throw new Error('What stands in for a file ends too early')
        position += chunk.byteLength
        controller.enqueue(chunk)
        if (position > last) controller.close()
      },

      async cancel(reason) {
        if (isTaken) return
        await close()
        await rest?.cancel(reason)
      },
    },
    // Nothing is read ahead, so that an unread stream can still be taken.
    { highWaterMark: 0 },
  )

  closeWithOwner(content, handle)
  offerNativeBody(content, () => {
    if (isTaken || isBegun || closing) return undefined
    isTaken = true
    keepOpenWithoutOwner(handle)
    return { handle, first, last, goOn }
  })
  return { content, whenBroken: (other) => void (goOn = other) }
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
  const { bytesRead } = await readFile(handle, bytes, bytes.byteLength, position)
  return bytesRead
}

/** One read, of at least one byte; throws a DamagedBlobError where no reader will ever get any. */
export async function readFile(
  handle: FileHandle,
  into: Uint8Array,
  length: number,
  position: number,
): Promise<{ readonly bytesRead: number }> {
  const reading = handle.read(into, 0, length, position).catch((error: unknown) => {
    if (!hasCode(error, 'EIO')) throw error
    throw new DamagedBlobError(`The file cannot be read at byte ${position}`, { cause: error })
  })
  const { bytesRead } = await reading
  if (bytesRead > 0) return { bytesRead }
  throw new DamagedBlobError(`The file ends at byte ${position}, before its content does`)
}
