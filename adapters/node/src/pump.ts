import type { ServerResponse } from 'node:http'
import type { BufferPool } from './buffers.ts'
import type { NativeSource } from './native-body.ts'

/** How far a body has come, for the access log. */
export interface Progress {
  bodyBytes: number
}

/**
 * Sends part of a file, one buffer at a time: the next read waits for the system to have taken the last one.
 * Resolves when all is sent or the client has gone; throws when the file breaks.
 */
export async function pumpFile(
  { handle, first, last }: NativeSource,
  outgoing: ServerResponse,
  buffers: BufferPool,
  progress: Progress,
): Promise<void> {
  const buffer = buffers.take()
  let isReusable = true
  try {
    for (let position = first; position <= last && !outgoing.destroyed;) {
      const length = Math.min(buffer.length, last - position + 1)
      const { bytesRead } = await handle.read(buffer, 0, length, position)
      if (bytesRead === 0) throw new Error('The stored file is shorter than it was')
      isReusable = await written(outgoing, buffer.subarray(0, bytesRead))
      if (!isReusable) return
      position += bytesRead
      progress.bodyBytes += bytesRead
    }
  } finally {
    buffers.give(buffer, isReusable)
    await handle.close()
  }
}

/** Sends a web stream, and cancels it as soon as the client has gone. Throws when the stream breaks. */
export async function pumpStream(
  stream: ReadableStream<Uint8Array>,
  outgoing: ServerResponse,
  progress: Progress,
): Promise<void> {
  const reader = stream.getReader()
  const cancel = (): void => {
    reader.cancel(new Error('The client has gone')).catch(() => undefined)
  }
  outgoing.once('close', cancel)
  // The first bytes may be long in coming; where they are there already, one packet takes both.
  const flush = setImmediate(() => {
    outgoing.flushHeaders()
  })
  try {
    for (;;) {
      const { done, value } = await reader.read()
      clearImmediate(flush)
      if (done || outgoing.destroyed) return
      const isRoomLeft = outgoing.write(value)
      progress.bodyBytes += value.byteLength
      if (!isRoomLeft) await drained(outgoing)
    }
  } finally {
    clearImmediate(flush)
    outgoing.off('close', cancel)
    cancel()
  }
}

/** Whether the system took the bytes. Without the close event, a write to a dead socket would never end. */
function written(outgoing: ServerResponse, bytes: Uint8Array): Promise<boolean> {
  if (outgoing.destroyed) return Promise.resolve(false)
  return new Promise((resolve) => {
    const close = (): void => resolve(false)
    outgoing.once('close', close)
    outgoing.write(bytes, (error) => {
      outgoing.off('close', close)
      resolve(error === null || error === undefined)
    })
  })
}

function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      outgoing.off('drain', finish)
      outgoing.off('close', finish)
      resolve()
    }
    outgoing.once('drain', finish)
    outgoing.once('close', finish)
  })
}
