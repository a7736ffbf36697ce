import { type Fetch, FetchError } from '@pullway/core'

/**
 * The Fetch port over the Worker's own fetch. Cloudflare connects no Worker to a private network, so `network`
 * asks nothing of this runtime beyond the check that the core has made.
 */
export function createWorkerFetch(
  send: (request: Request) => Promise<Response> = (request) => fetch(request),
): Fetch {
  return async (request) => {
    try {
      return withoutEncoding(await send(request))
    } catch (error) {
      // Why it was given up, the one who gave it up knows.
      if (request.signal.aborted) throw request.signal.reason
      throw new FetchError('unreachable', reasonOf(error), { cause: error })
    }
  }
}

/**
 * This runtime decodes a body that is read, so what was said of the encoded one is wrong. The core asks for
 * no encoding, and few registries send one all the same.
 */
function withoutEncoding(response: Response): Response {
  const encoding = response.headers.get('content-encoding')
  if (encoding === null || encoding === 'identity') return response
  const headers = new Headers(response.headers)
  headers.delete('content-encoding')
  headers.delete('content-length')
  const { status, statusText } = response
  return new Response(response.body, { status, statusText, headers })
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
