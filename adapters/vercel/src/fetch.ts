import { type Fetch, FetchError } from '@pullway/core'

export type GlobalFetch = (request: Request, init: RequestInit) => Promise<Response>

/**
 * The Fetch port over the runtime's own. It cannot see what address a name resolves to: the core's check of the
 * address as it is written is the only one, and the function's own network is Vercel's, without neighbours.
 */
export function createFetch(fetch: GlobalFetch): Fetch {
  return async (request) => {
    request.signal.throwIfAborted()
    try {
      return asSent(await fetch(request, { redirect: 'manual' }))
    } catch (error) {
      throw request.signal.aborted ? request.signal.reason : toFailure(request.url, error)
    }
  }
}

/** The runtime has decoded what an upstream encoded unasked: length and encoding are those of other bytes. */
function asSent(response: Response): Response {
  const encoding = response.headers.get('content-encoding')
  if (encoding === null || encoding.toLowerCase() === 'identity') return response
  const headers = new Headers(response.headers)
  headers.delete('content-encoding')
  headers.delete('content-length')
  return new Response(response.body, { status: response.status, headers })
}

const timeoutCodes: ReadonlySet<unknown> = new Set(['UND_ERR_CONNECT_TIMEOUT', 'ETIMEDOUT'])

/** Names the origin only: a path may carry the signature of a presigned address. */
function toFailure(url: string, error: unknown): FetchError {
  // The runtime's own message is `fetch failed`, whatever it was.
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  const reason = cause instanceof Error ? cause.message || String(code) : String(cause)
  const failure = timeoutCodes.has(code) ? 'timeout' : 'unreachable'
  return new FetchError(failure, `${new URL(url).origin}: ${reason}`, { cause: error })
}
