import type { ServerResponse } from 'node:http'
import type { BufferPool } from './buffers.ts'
import { readFile } from './file-body.ts'
import type { NativeSource } from './native-body.ts'

/** How far a body has come, for the access log. */
export interface Progress {
  bodyBytes: number
}

/**
 * Sends part of a file, one buffer at a time: the next read waits for the system to have taken the last one.
 * Resolves to whether all is sent, false where the client has gone; throws when the file breaks and nothing stands
 * in for it.
 */
export async function pumpFile(
  source: NativeSource,
  outgoing: ServerResponse,
  buffers: BufferPool,
  progress: Progress,
): Promise<boolean> {
  const end = await pumpHandle(source, outgoing, buffers, progress)
  if (typeof end === 'boolean') return end
  if (outgoing.destroyed) return false
  if (!source.goOn) throw end.error
  const rest = await source.goOn(end.position, end.error)
  return pumpStream(rest, outgoing, buffers, progress)
}

/** Gives back whether all is sent, or where the file broke, and why. */
async function pumpHandle(
  { handle, first, last }: NativeSource,
  outgoing: ServerResponse,
  buffers: BufferPool,
  progress: Progress,
): Promise<boolean | { readonly position: number; readonly error: unknown }> {
  const buffer = buffers.take()
  let isReusable = true
  let position = first
  try {
    while (position <= last && !outgoing.destroyed) {
      const length = Math.min(buffer.length, last - position + 1)
      const read = await readFile(handle, buffer, length, position).catch(broken)
      if ('error' in read) return { position, error: read.error }
      const { bytesRead } = read
      isReusable = await written(outgoing, buffer.subarray(0, bytesRead))
      if (!isReusable) return false
      position += bytesRead
      progress.bodyBytes += bytesRead
    }
    return position > last
  } finally {
    buffers.give(buffer.length, isReusable ? buffer : undefined)
    await handle.close()
  }
}

function broken(error: unknown): { readonly error: unknown } {
  return { error }
}

/** Sends a web stream, and cancels it as soon as the client has gone: false then. Throws when the stream breaks. */
export async function pumpStream(
  stream: ReadableStream<Uint8Array>,
  outgoing: ServerResponse,
  buffers: BufferPool,
  progress: Progress,
): Promise<boolean> {
  const reader = readInto(stream, buffers)
  const cancel = (): void => {
    reader.cancel(new Error('The client has gone')).catch(() => undefined)
  }
  outgoing.once('close', cancel)
  // The first bytes may be long in coming; where they are there already, one packet takes both.
  const flush = setImmediate(() => {
    outgoing.flushHeaders()
  })
  let isReusable = true
  try {
    for (;;) {
      const bytes = await reader.read()
      clearImmediate(flush)
      if (bytes === undefined) return !outgoing.destroyed
      isReusable = await written(outgoing, bytes)
      if (!isReusable) return false
      progress.bodyBytes += bytes.byteLength
    }
  } finally {
    clearImmediate(flush)
    outgoing.off('close', cancel)
    cancel()
    reader.release(isReusable)
  }
}

interface BodyReader {
  /** Good until the next read; undefined at the end. */
  read(): Promise<Uint8Array | undefined>
  cancel(reason: Error): Promise<void>
  release(isReusable: boolean): void
}

/** What upstream connections bring at a time; a body on its way in has seldom more. */
const streamBytes = 64 * 1024

/** Reads a byte stream into one pooled buffer, and any other stream chunk by chunk. */
function readInto(stream: ReadableStream<Uint8Array>, buffers: BufferPool): BodyReader {
  const reader = byteReader(stream)
  if (reader === undefined) {
    const chunks = stream.getReader()
    return {
      read: async () => (await chunks.read()).value,
      cancel: (reason) => chunks.cancel(reason),
      release: () => undefined,
    }
  }
  const taken = buffers.take(streamBytes)
  const { length } = taken
  let memory: ArrayBuffer | undefined = taken.buffer
  return {
    async read() {
      if (memory === undefined) return undefined
      // The stream takes the memory and gives it back as another ArrayBuffer; a cancelled read keeps it.
      const reading = reader.read(new Uint8Array(memory))
      memory = undefined
      const { done, value } = await reading
      memory = value?.buffer
      return done ? undefined : value
    },
    cancel: (reason) => reader.cancel(reason),
    release(isReusable) {
      buffers.give(length, isReusable && memory ? Buffer.from(memory) : undefined)
    },
  }
}

function byteReader(stream: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | undefined {
  try {
    return stream.getReader({ mode: 'byob' })
  } catch {
    // The only way to tell that a stream is no byte stream.
    return undefined
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
