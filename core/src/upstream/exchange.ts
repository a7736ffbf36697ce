import type { Timeouts } from '../config/config.ts'
import type { Metrics } from '../observe/metrics.ts'
import { type Clock, type Fetch, FetchError, type FetchOptions } from '../ports.ts'
import { userAgent } from '../version.ts'
import { isPublicAddress } from './address.ts'
import { discard } from './body.ts'
import { withTimeLimit } from './time-limit.ts'
import { keepsEncryption } from './trust.ts'

/** One request to one address; whatever leads to it (tokens, redirects) is made of these. */
export interface Hop {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  /** A stream is passed on as it comes, and so cannot be sent twice. */
  readonly body?: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>
  /** Until the answer's headers, where that is not the configured time. */
  readonly patienceMs?: number
}

/** Sends one hop. Throws a FetchError when no headers came in time. */
export type Send = (
  hop: Hop,
  network: FetchOptions['network'],
  signal?: AbortSignal,
) => Promise<Response>

export interface SendOptions {
  readonly fetch: Fetch
  readonly clock: Clock
  readonly timeouts: Timeouts
  readonly metrics: Metrics
}

/** Every request that leaves this mirror for an upstream goes through here. */
export function createSend(
  upstream: string,
  { fetch, clock, timeouts, metrics }: SendOptions,
): Send {
  const toLabel = createHostLabels()
  return async (hop, network, outer) => {
    refuseForbidden(hop.url, network)
    const startedAt = clock.now()
    const record = (status: string): void => {
      metrics.upstreamRequests.add(1, upstream, toLabel(hop.url.host), status)
      metrics.upstreamSeconds.observe((clock.now() - startedAt) / 1000, upstream)
    }
    try {
      const response = await answerTo(hop, network, outer)
      record(String(response.status))
      return response
    } catch (error) {
      record(error instanceof FetchError ? error.failure : 'error')
      throw error
    }
  }

  function answerTo(
    hop: Hop,
    network: FetchOptions['network'],
    outer: AbortSignal | undefined,
  ): Promise<Response> {
    // The answer comes after the body, which takes as long as the client sends.
    if (hop.body instanceof ReadableStream)
      return fetch(toRequest(hop, outer), { network, streamsBody: true })
    return withTimeLimit(
      clock,
      hop.patienceMs ?? timeouts.firstByteMs,
      `${hop.url.host}'s answer`,
      (signal) => fetch(toRequest(hop, signal), { network }),
      outer,
    )
  }
}

/** Real registries have a few dozen; one that redirects each blob to another host must not fill the memory. */
const mostHosts = 100

function createHostLabels(): (host: string) => string {
  const hosts = new Set<string>()
  return (host) => {
    if (hosts.size < mostHosts) hosts.add(host)
    return hosts.has(host) ? host : 'other'
  }
}

function toRequest(hop: Hop, signal: AbortSignal | undefined): Request {
  return new Request(hop.url, {
    method: hop.method,
    redirect: 'manual',
    ...(signal && { signal }),
    ...(hop.body !== undefined && { body: hop.body, duplex: 'half' }),
    headers: {
      ...hop.headers,
      // Docker Hub's front and others answer 403 to requests with a library's User-Agent or none.
      'user-agent': userAgent,
      // An encoded body has another length and another digest (registries.md, section 0.10).
      'accept-encoding': 'identity',
    },
  })
}

const localNames = /(?:^|\.)(?:localhost|local|internal)\.?$/

/** The first of two checks; the runtime repeats it on what a name resolves to, where it can. */
export function refuseForbidden(url: URL, network: FetchOptions['network']): void {
  if (network === 'any') return
  const isAddress = /^[\d.]+$|^\[/.test(url.hostname)
  const allowed = isAddress ? isPublicAddress(url.hostname) : !localNames.test(url.hostname)
  if (!allowed) {
    throw new FetchError(
      'forbidden-address',
      `it points to ${url.host}, which is not on the Internet: list the host in trustedHosts if that is meant`,
    )
  }
}

/** It leads nowhere, and would the next time. */
export class BadRedirect extends FetchError {
  constructor(message: string) {
    super('unreachable', message)
  }
}

const redirects = new Set([301, 302, 303, 307, 308])

export function isRedirect(status: number): boolean {
  return redirects.has(status)
}

/** Chains of two are usual (registry.k8s.io to pkg.dev to storage); nobody needs ten. */
const maxRedirects = 5

export type SendHop = (hop: Hop) => Promise<Response>

export type Follow = (status: number, to: URL) => boolean

/**
 * Follows redirects by hand: what each hop may carry is decided anew, by `send`, from the hop's own address.
 * A redirect that `follow` does not want is the answer. `from` is the address that gave the answer.
 */
export async function followRedirects(
  first: Hop,
  send: SendHop,
  follow: Follow = () => true,
): Promise<{ readonly response: Response; readonly from: URL }> {
  let hop = first
  for (let count = 0; count <= maxRedirects; count++) {
    const response = await send(hop)
    const location = redirects.has(response.status) ? response.headers.get('location') : null
    if (location === null) return { response, from: hop.url }
    const url = URL.parse(location, hop.url.href)
    if (url && !follow(response.status, url)) return { response, from: hop.url }
    await discard(response)
    hop = { ...hop, url: checkRedirect(url, hop.url) }
  }
  throw new BadRedirect(`it redirects more than ${String(maxRedirects)} times`)
}

/** Where a Location leads; throws where nobody should be led. */
export function checkRedirect(url: URL | null, from: URL): URL {
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new BadRedirect('it redirects to something that is no web address')
  }
  if (!keepsEncryption(from, url)) {
    throw new BadRedirect(`it redirects from https to http (${url.host})`)
  }
  if (url.username !== '' || url.password !== '') {
    throw new BadRedirect(`it redirects with credentials in the address (${url.host})`)
  }
  url.hash = ''
  return url
}
