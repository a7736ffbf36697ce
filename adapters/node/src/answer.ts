import type { IncomingMessage, ServerResponse } from 'node:http'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Logger } from '@pullway/core'
import type { BufferPool } from './buffers.ts'
import { takeNativeBody } from './native-body.ts'
import { pumpFile, pumpStream, type Progress } from './pump.ts'

export interface HttpExchange {
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
  readonly progress: AnswerProgress
}

export interface AnswerProgress extends Progress {
  /** Bytes of a body that is sent in one piece: all or nothing. */
  pieceBytes: number
}

/**
 * Sends an answer with a stream as its body here, and gives back all others for @hono/node-server to write at
 * once. Its own stream writing ends an answer cleanly after an error, and copies what a file could give directly.
 */
export function createSender(
  buffers: BufferPool,
  logger: Logger,
): (response: Response, exchange: HttpExchange) => Promise<Response> {
  const bodyOf = createBodyReader()
  return async (response, exchange) => {
    const body = bodyOf(response)
    const isHead = exchange.incoming.method === 'HEAD'
    if (!(body instanceof ReadableStream)) {
      if (!isHead) exchange.progress.pieceBytes = byteLength(body)
      return response
    }
    if (isHead || exchange.outgoing.destroyed) {
      await body.cancel().catch(() => undefined)
      return new Response(null, { status: response.status, headers: response.headers })
    }
    await sendStream(response, body, exchange, buffers, logger)
    return RESPONSE_ALREADY_SENT
  }
}

/** Never rejects: what goes wrong here, the client must see as a broken connection. */
async function sendStream(
  response: Response,
  stream: ReadableStream<Uint8Array>,
  { incoming, outgoing, progress }: HttpExchange,
  buffers: BufferPool,
  logger: Logger,
): Promise<void> {
  // Node then throws where the body differs from its Content-Length, which would upset all later answers.
  outgoing.strictContentLength = true
  const file = takeNativeBody(stream)
  try {
    outgoing.writeHead(response.status, Object.fromEntries(response.headers))
    const isSent =
      file === undefined
        ? await pumpStream(stream, outgoing, buffers, progress)
        : await pumpFile(file, outgoing, buffers, progress)
    // A write may fail before the answer is known to be closed: to end it would complain of what is missing.
    if (isSent) outgoing.end()
  } catch (error) {
    // The access log tells of clients that leave; what breaks for want of them is no trouble.
    if (outgoing.destroyed) return
    logger.warn('An answer broke off', { error: String(error), bytes: progress.bodyBytes })
    abort(incoming)
  }
}

/**
 * Ends the connection without ending the answer. What was sent before still arrives, for a client that resumes;
 * but an HTTP/1.0 client takes the end of the connection for the end of the body, unless it is reset.
 */
function abort({ httpVersion, socket }: IncomingMessage): void {
  if (httpVersion === '1.0') socket.resetAndDestroy()
  // Node passes on in the next tick what was written in this one.
  else setImmediate(() => socket.destroySoon())
}

/**
 * Reads what a Response was made with. @hono/node-server's stand-in for Response keeps it beside a symbol;
 * asking it for `body` would first make a real Response, and triple the cost of a small answer.
 */
function createBodyReader(): (response: Response) => unknown {
  const parts = Object.getOwnPropertySymbols(new Response(null)).find(
    ({ description }) => description === 'cache',
  )
  if (parts === undefined) return (response) => response.body
  return (response) => {
    const made = (response as unknown as Partial<Record<symbol, readonly unknown[]>>)[parts]
    return made === undefined ? response.body : made[1]
  }
}

function byteLength(body: unknown): number {
  if (body instanceof Uint8Array) return body.byteLength
  return typeof body === 'string' ? Buffer.byteLength(body) : 0
}
