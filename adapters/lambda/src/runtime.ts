import type { Writable } from 'node:stream'
import type { FunctionUrlEvent } from './event.ts'

/** The global `awslambda` of Lambda's Node runtimes: what makes a handler stream its answer. */
export interface AwsLambda {
  streamifyResponse(handler: StreamingHandler): StreamingHandler
  readonly HttpResponseStream: {
    from(stream: ResponseStream, metadata: HttpResponseMetadata): ResponseStream
  }
}

/** The request to the Runtime API that carries the answer. */
export type ResponseStream = Writable

/** Sent before the first byte of the body, and only then: without a write, there is no answer at all. */
export interface HttpResponseMetadata {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
}

export interface InvocationContext {
  getRemainingTimeInMillis(): number
}

export type StreamingHandler = (
  event: FunctionUrlEvent,
  stream: ResponseStream,
  context: InvocationContext,
) => Promise<void>
