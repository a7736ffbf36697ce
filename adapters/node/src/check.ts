import { lookup } from 'node:dns/promises'
import { type Clock, type Fetch, FetchError, version } from '@pullway/core'
import type { Config } from '@pullway/core/config'

/** One line of the table. */
export interface EndpointCheck {
  readonly upstream: string
  readonly endpoint: string
  readonly address: string
  readonly milliseconds: number
  readonly isOk: boolean
  readonly result: string
}

export interface CheckOptions {
  readonly fetch: Fetch
  readonly clock: Clock
}

/** Asks every endpoint for its API root, all at once, each within the configured time limits. */
export async function checkEndpoints(
  config: Config,
  { fetch, clock }: CheckOptions,
): Promise<readonly EndpointCheck[]> {
  const limitMs = config.timeouts.connectMs + config.timeouts.firstByteMs
  const endpoints = [...config.upstreams.values()].flatMap(({ name, endpoints }) =>
    endpoints.map(({ url }) => ({ upstream: name, url })),
  )
  return await Promise.all(
    endpoints.map(async ({ upstream, url }) => {
      const since = clock.now()
      const signal = AbortSignal.timeout(limitMs)
      const [address, outcome] = await Promise.all([
        resolve(new URL(url).hostname, signal),
        ask(fetch, url, signal, limitMs),
      ])
      const milliseconds = clock.now() - since
      return { upstream, endpoint: withoutUser(url), address, milliseconds, ...outcome }
    }),
  )
}

type Outcome = Pick<EndpointCheck, 'isOk' | 'result'>

async function ask(
  fetch: Fetch,
  url: string,
  signal: AbortSignal,
  limitMs: number,
): Promise<Outcome> {
  try {
    // Without credentials: this shows the way there, and no login can be locked by it.
    const headers = { 'user-agent': `pullway/${version}` }
    const response = await fetch(new Request(`${url}/`, { headers, signal }), { network: 'any' })
    await response.body?.cancel()
    return judge(response)
  } catch (error) {
    return { isOk: false, result: describeFailure(error, signal.aborted, limitMs) }
  }
}

function judge({ status, headers }: Response): Outcome {
  if (status === 200) return { isOk: true, result: 'ok: needs no token' }
  const challenge = headers.get('www-authenticate')
  if (status === 401 && challenge !== null) {
    return { isOk: true, result: `ok: ${describeChallenge(challenge)}` }
  }
  if (status === 401) return { isOk: false, result: 'answers 401 without a challenge' }
  const location = headers.get('location')
  // Some registries are no more than a redirect to another one (registries.md, lscr.io and k8s.gcr.io).
  if (status >= 300 && status < 400 && location !== null) {
    return { isOk: true, result: `ok: redirects to ${location}` }
  }
  return { isOk: false, result: `answers ${status}: is this a registry?` }
}

function describeChallenge(challenge: string): string {
  const realm = /\brealm="?([^",]+)/i.exec(challenge)?.[1]
  return realm === undefined ? 'asks for a login' : `login at ${realm}`
}

function describeFailure(error: unknown, isLate: boolean, limitMs: number): string {
  if (isLate || (error instanceof FetchError && error.failure === 'timeout')) {
    return `no answer within ${limitMs / 1000} s`
  }
  return error instanceof Error ? error.message : 'failed'
}

/** The fetch reports what is wrong with a name; here it is only shown. */
async function resolve(hostname: string, signal: AbortSignal): Promise<string> {
  const late = new Promise<string>((settle) => {
    signal.addEventListener('abort', () => settle('-'), { once: true })
  })
  const found = lookup(hostname.replace(/^\[|\]$/g, '')).then(
    ({ address }) => address,
    () => '-',
  )
  return await Promise.race([found, late])
}

function withoutUser(text: string): string {
  const url = new URL(text)
  url.username = ''
  url.password = ''
  return url.href
}
