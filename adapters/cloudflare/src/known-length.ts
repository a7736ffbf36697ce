/** Cloudflare's own: a stream that says how long it is, moved without JavaScript, broken by any other length. */
declare const FixedLengthStream: new (length: number) => TransformStream<Uint8Array, Uint8Array>

export function withLength(
  body: ReadableStream<Uint8Array>,
  length: number,
): ReadableStream<Uint8Array> {
  return body.pipeThrough(new FixedLengthStream(length))
}

export interface Measured {
  readonly body: ReadableStream<Uint8Array>
  /** Rejects when not all was taken. */
  readonly sent: Promise<void>
}

/** The same, and when it has ended. */
export function withLengthAndEnd(body: ReadableStream<Uint8Array>, length: number): Measured {
  const { readable, writable } = new FixedLengthStream(length)
  return { body: readable, sent: body.pipeTo(writable) }
}
