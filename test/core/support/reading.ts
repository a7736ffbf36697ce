import type { Bytes } from '../../contract/content.ts'

export interface Read {
  readonly bytes: Bytes
  /** Why it broke off; undefined if it ended well. */
  readonly broken: unknown
}

export async function readToEnd(
  stream: ReadableStream<Uint8Array> | null,
  before: readonly Uint8Array[] = [],
): Promise<Read> {
  const chunks = [...before]
  let broken: unknown
  try {
    for await (const chunk of stream ?? []) chunks.push(chunk)
  } catch (error) {
    broken = error ?? new Error('broken without a reason')
  }
  return { bytes: new Uint8Array(Buffer.concat(chunks)), broken }
}

/** Reads at least so many bytes, and leaves the stream open for more. */
export async function readSome(
  stream: ReadableStream<Uint8Array>,
  atLeast: number,
): Promise<Bytes> {
  const reader = stream.getReader()
  const chunks: Uint8Array[] = []
  for (let length = 0; length < atLeast;) {
    const { done, value } = await reader.read()
    if (done) break
    chunks.push(value)
    length += value.byteLength
  }
  reader.releaseLock()
  return new Uint8Array(Buffer.concat(chunks))
}
