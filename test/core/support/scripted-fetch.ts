import { FetchError, type Fetch, type FetchOptions } from '@pullway/core'

/** One request as it left the mirror. */
export interface Call {
  /** Method and whole address. */
  readonly line: string
  readonly method: string
  readonly url: URL
  readonly headers: Headers
  readonly network: FetchOptions['network']
  readonly signal: AbortSignal
  /** Held, for a Request that is collected does not tell its signal of an abort any more. */
  readonly request: Request
}

export type Play = (call: Call) => Response | Promise<Response>

export interface ScriptedFetch {
  readonly fetch: Fetch
  readonly calls: readonly Call[]
  /** The lines since the last time. */
  takeLines(): string[]
}

export function createScriptedFetch(play: Play): ScriptedFetch {
  const calls: Call[] = []
  let taken = 0
  return {
    calls,
    async fetch(request, { network }) {
      const { method, headers, signal } = request
      const url = new URL(request.url)
      const line = `${method} ${url.href}`
      const call = { line, method, url, headers, network, signal, request }
      calls.push(call)
      return play(call)
    },
    takeLines() {
      const lines = calls.slice(taken).map(({ line }) => line)
      taken = calls.length
      return lines
    },
  }
}

/** Answers by method and address; whatever else is asked cannot be reached. */
export function playTable(
  table: Readonly<Record<string, (call: Call) => Response | Promise<Response>>>,
): Play {
  return (call) => {
    const answer = table[call.line] ?? table[call.line.split('?', 1)[0] ?? '']
    if (!answer) throw new FetchError('unreachable', `nobody plays ${call.line}`)
    return answer(call)
  }
}

export function redirectTo(location: string, status = 307): Response {
  return new Response(null, { status, headers: { location } })
}

export function unauthorized(...challenges: readonly string[]): Response {
  return new Response('{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}', {
    status: 401,
    headers: challenges.map((challenge): [string, string] => ['www-authenticate', challenge]),
  })
}

/** A request that stays without an answer until it is given up. */
export function hang({ signal }: Call): Promise<Response> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error))
  })
}
