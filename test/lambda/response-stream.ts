import { Writable } from 'node:stream'
import type { AwsLambda, HttpResponseMetadata } from '../../adapters/lambda/src/runtime.ts'

export interface FakeResponseStream {
  readonly stream: Writable
  readonly awslambda: AwsLambda
  /** Undefined as long as the platform has nothing: metadata goes out with the first write. */
  readonly metadata: HttpResponseMetadata | undefined
  /** Bytes that the client has taken. */
  readonly takenBytes: number
  readonly text: string
}

export interface FakeResponseStreamOptions {
  /** How many chunks the client takes, one in each turn; then it takes nothing and stays. */
  readonly takes?: number
}

/** Lambda's response stream as its runtime makes it: metadata before the first byte, 64 KiB of room. */
export function createResponseStream({
  takes = Infinity,
}: FakeResponseStreamOptions = {}): FakeResponseStream {
  let announced: HttpResponseMetadata | undefined
  let metadata: HttpResponseMetadata | undefined
  let chunksTaken = 0
  const taken: Uint8Array[] = []
  let takenBytes = 0

  const stream = new Writable({
    highWaterMark: 64 * 1024,
    write(chunk: Uint8Array, _, done) {
      metadata = announced
      if (chunk.byteLength > 0 && chunksTaken++ >= takes) return
      takenBytes += chunk.byteLength
      if (takenBytes < 1024 * 1024) taken.push(chunk)
      setImmediate(done)
    },
    final(done) {
      // The runtime sends nothing at all without a write before the end.
      if (metadata) done()
    },
  })

  return {
    stream,
    awslambda: {
      streamifyResponse: (handler) => handler,
      HttpResponseStream: {
        from(underlying, given) {
          announced = given
          return underlying
        },
      },
    },
    get metadata() {
      return metadata
    },
    get takenBytes() {
      return takenBytes
    },
    get text() {
      return Buffer.concat(taken).toString()
    },
  }
}
