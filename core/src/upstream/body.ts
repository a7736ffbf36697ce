import { FetchError } from '../ports.ts'

/** Gives up a body that nobody will read, so that its connection is not held. */
export async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined)
}

/** Reads a body of at most `maxBytes`; undefined when it is longer. */
export async function readBytes(
  response: Response,
  maxBytes: number,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (!response.body) return new Uint8Array(0)
  if (Number(response.headers.get('content-length')) > maxBytes) {
    await discard(response)
    return undefined
  }
  const reader = response.body.getReader()
  const stop = (): void => void reader.cancel(signal?.reason).catch(() => undefined)
  signal?.addEventListener('abort', stop)
  try {
    const bytes = await readUpTo(reader, maxBytes)
    // A cancelled read ends like a whole one.
    signal?.throwIfAborted()
    return bytes
  } catch (cause) {
    signal?.throwIfAborted()
    throw new FetchError('unreachable', 'its answer broke off', { cause })
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}

/** Reads a short text for a message; what is too long or broken is empty. */
export async function readText(response: Response, maxBytes: number): Promise<string> {
  try {
    const bytes = await readBytes(response, maxBytes)
    return bytes ? new TextDecoder().decode(bytes) : ''
  } catch {
    return ''
  }
}

async function readUpTo(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    size += value.byteLength
    if (size > maxBytes) {
      await reader.cancel().catch(() => undefined)
      return undefined
    }
    chunks.push(value)
  }
  const bytes = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.byteLength
  }
  return bytes
}
