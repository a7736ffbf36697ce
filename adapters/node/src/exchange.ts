import type { IncomingHttpHeaders } from 'node:http'
import { Readable } from 'node:stream'
import { FetchError, type FetchFailure } from '@pullway/core'
import type { Dispatcher } from 'undici'
import { isExhaustion } from './exhaustion.ts'
import { createUpstreamBody, type Upstream, type UpstreamBody } from './upstream-body.ts'
import type { ConnectionPool } from './upstream-connections.ts'

export interface Exchange {
  readonly request: Request
  readonly origin: string
  readonly path: string
  /** A stream is read as upstream takes it. */
  readonly body: Uint8Array | ReadableStream<Uint8Array> | null
}

/** A kept connection broke before its answer began: its server had closed it, and may not have read the request. */
export class StaleConnectionError extends Error {
  override readonly name = 'StaleConnectionError'
}

/** Sends one request; resolves with the answer's headers, its body still to come. */
export function exchange(
  pool: ConnectionPool,
  { request, origin, path, body }: Exchange,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    request.signal.throwIfAborted()
    let isReused = false
    let hasAnswerBegun = false
    let upstream: Upstream | undefined
    let answer: UpstreamBody | undefined

    // These name the request each time: a Request that is collected no longer hears of its signal's abort.
    const reason = (): Error => request.signal.reason as Error
    const abort = (): void => {
      upstream?.abort(reason())
      reject(reason())
    }
    const finish = (): void => request.signal.removeEventListener('abort', abort)
    request.signal.addEventListener('abort', abort)

    const handler: Dispatcher.DispatchHandler = {
      onRequestStart(controller) {
        isReused = !pool.isOpening()
        upstream = controller
        if (request.signal.aborted) abort()
      },

      onResponseStarted() {
        hasAnswerBegun = true
      },

      onResponseStart(controller, status, headers) {
        if (status < 200) return
        // They are slices of the whole first chunk, and would hold it for as long as the body takes.
        controller.rawHeaders = null
        if (request.method !== 'HEAD' && !bodilessStatuses.has(status)) {
          answer = createUpstreamBody(controller, Number(headers['content-length']), pool.unread)
        }
        // What this throws (a status of 600) ends the exchange in onResponseError.
        resolve(new Response(answer?.stream ?? null, { status, headers: toHeaders(headers) }))
      },

      onResponseData(_controller, chunk) {
        answer?.push(toBytes(chunk as Buffer<ArrayBuffer>))
      },

      onResponseEnd() {
        finish()
        answer?.end()
      },

      onResponseError(_controller, error) {
        finish()
        const failure = request.signal.aborted ? reason() : toFailure(origin, error)
        answer?.fail(failure)
        const isStale = isReused && !hasAnswerBegun && !request.signal.aborted
        reject(isStale ? new StaleConnectionError(failure.message, { cause: error }) : failure)
      },
    }

    pool.dispatcher.dispatch(
      {
        origin,
        path,
        method: request.method,
        headers: [...request.headers].flat(),
        body: body instanceof ReadableStream ? Readable.from(body) : body,
        // undici closes after a HEAD unless told not to; tags are revalidated with one HEAD after the other.
        ...(request.method === 'HEAD' && { reset: false }),
      },
      handler,
    )
  })
}

/** A Response with one of these takes no body. */
const bodilessStatuses: ReadonlySet<number> = new Set([204, 205, 304])

function toHeaders(fields: IncomingHttpHeaders): Headers {
  const headers = new Headers()
  for (const [name, value] of Object.entries(fields)) {
    for (const each of [value].flat()) if (each !== undefined) headers.append(name, each)
  }
  return headers
}

/** A Buffer's `slice` copies nothing, where a Uint8Array's does. */
function toBytes({ buffer, byteOffset, byteLength }: Buffer<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

const timeoutCodes: ReadonlySet<string | undefined> = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'ETIMEDOUT',
])

/** Names the origin only: a path may carry the signature of a presigned address. */
function toFailure(origin: string, error: Error & { readonly code?: string }): Error {
  if (error instanceof FetchError) return error
  return new FetchError(failureOf(error), `${origin}: ${describe(error)}`, { cause: error })
}

function failureOf(error: Error & { readonly code?: string }): FetchFailure {
  if (isExhaustion(error)) return 'exhausted'
  return timeoutCodes.has(error.code) ? 'timeout' : 'unreachable'
}

/** Where several addresses of one name failed, their common error has no message. */
function describe(error: Error & { readonly code?: string }): string {
  return error.message || (error.code ?? error.name)
}
