import type { Fetch, KeyValue, Limiter } from '@pullway/core'
import { createCommandKeyValue, defaultPrefix, defaultTimeoutMs, type Send } from './commands.ts'
import { createCommandLimiter } from './limiter.ts'
import { describeProblem, withoutArguments } from './problem.ts'

export interface RedisHttpKeyValueOptions {
  /** Of the REST API, as Upstash and serverless-redis-http speak it. */
  readonly url: string
  readonly token: string
  readonly fetch: Fetch
  readonly prefix?: string
  /** After which a call is given up. */
  readonly timeoutMs?: number
  /** For so long after such a call every other one is refused at once: a pull makes several. */
  readonly restMs?: number
}

/** Redis for runtimes without sockets. https://upstash.com/docs/redis/features/restapi */
export function createRedisHttpKeyValue({
  url,
  token,
  fetch,
  prefix = defaultPrefix,
  timeoutMs = defaultTimeoutMs,
  restMs = 5_000,
}: RedisHttpKeyValueOptions): KeyValue & Limiter {
  const pipelineUrl = toPipelineUrl(url)
  const headers = {
    authorization: `Bearer ${checkToken(token)}`,
    'content-type': 'application/json',
  }

  let restsUntil = 0

  const send: Send = async (command) => {
    if (Date.now() < restsUntil) throw new Error('Redis over HTTP: it did not answer a moment ago')
    const signal = AbortSignal.timeout(timeoutMs)
    const body = JSON.stringify([command])
    const request = new Request(pipelineUrl, { method: 'POST', headers, body, signal })
    const exchange = fetch(request, { network: 'any' }).then(readResult)
    try {
      return await Promise.race([exchange, rejectOn(signal)])
    } catch (error) {
      if (signal.aborted) restsUntil = Date.now() + restMs
      const problem = signal.aborted ? `no answer in ${timeoutMs} ms` : describeProblem(error)
      throw new Error(`Redis over HTTP: ${problem.replaceAll(token, '***')}`)
    }
  }

  return { ...createCommandKeyValue(send, prefix), ...createCommandLimiter(send, prefix) }
}

interface Reply {
  readonly result?: unknown
  readonly error?: unknown
}

/** A pipeline of one command is answered with a list of one reply, or with an error for the whole. */
async function readResult(response: Response): Promise<unknown> {
  const replies = parseJson(await response.text())
  const reply: unknown = Array.isArray(replies) ? replies[0] : replies
  const { error, result }: Reply = typeof reply === 'object' && reply !== null ? reply : {}
  if (typeof error === 'string') throw new Error(withoutArguments(error))
  if (response.status === 200 && Array.isArray(replies) && result !== undefined) return result
  throw new Error(`status ${response.status} and no reply of Redis`)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** A body may go on after its request was given up. */
function rejectOn(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
}

function toPipelineUrl(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  const isPlain = parsed?.username === '' && parsed.password === '' && parsed.search === ''
  if (isPlain && /^https?:$/.test(parsed.protocol)) {
    return `${parsed.origin}${parsed.pathname.replace(/\/$/, '')}/pipeline`
  }
  // Not with the URL: it may hold a password.
  throw new Error(
    'The URL of Redis over HTTP must begin with https:// and hold no user and no query',
  )
}

function checkToken(token: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token
  throw new Error('The token of Redis over HTTP is empty or holds characters that no header takes')
}
