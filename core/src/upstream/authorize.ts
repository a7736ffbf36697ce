import type { EndpointConfig, UpstreamConfig } from '../config/config.ts'
import type { KeyValue } from '../ports.ts'
import { getJson } from '../cache/state.ts'
import { discard } from './body.ts'
import { type Challenge, parseChallenges } from './challenge.ts'
import type { Hop, Send } from './exchange.ts'
import { basicAuthorization, type Token, type TokenRequest, type TokenSource } from './token.ts'
import { isOwnHost, isTrustedRealm } from './trust.ts'

export interface AuthorizeOptions {
  readonly upstream: UpstreamConfig
  readonly endpoint: EndpointConfig
  readonly send: Send
  readonly tokens: TokenSource
  /** Where challenges are remembered; they are no secret. */
  readonly state: KeyValue
}

/** Sends a hop with what its host asks for. A 401 that comes back is the upstream's last word. */
export type SendAuthorized = (hop: Hop, scope: string, signal?: AbortSignal) => Promise<Response>

/** The one challenge of an endpoint that we can meet. */
interface Remembered {
  readonly scheme: 'bearer' | 'basic'
  readonly realm: string
  readonly service?: string | undefined
}

const rememberChallengeSeconds = 24 * 3600

/**
 * The token dance, from the mirror's side (distribution's token specification):
 *   1. a host's challenge is known from an earlier request: get the token first, and send once;
 *   2. it is not: send, read the 401, remember its challenge, get the token, and send again;
 *   3. a remembered token is refused: it may have been revoked, so get a new one, and send again.
 * The scope is always our own: hosts name placeholders, others' repositories or nothing (registries.md, 0.2).
 */
export function createSendAuthorized(options: AuthorizeOptions): SendAuthorized {
  const { upstream, endpoint, send, tokens, state } = options
  const own = new URL(endpoint.url)

  return async (hop, scope, signal) => {
    const isOwn = hop.url.origin === own.origin
    const network = isOwnHost(hop.url, upstream) ? 'any' : 'public'
    // Below one host, each path may have a realm of its own.
    const challengeKey = `challenge/${upstream.name}/${isOwn ? endpoint.url : hop.url.origin}`
    const remembered = await recall(challengeKey, hop)
    let failure: unknown
    const first =
      remembered &&
      (await authorizationFor(remembered, hop, scopeAt(hop, scope)).catch((error: unknown) => {
        // The realm may have moved: the endpoint's next challenge tells.
        failure = error
        return undefined
      }))
    const response = await send(withAuthorization(hop, first?.header), network, signal)
    if (response.status !== 401) return response

    const challenge = choose(parseChallenges(response.headers.get('www-authenticate')), hop, isOwn)
    if (!challenge) return response
    const isNews = challenge.realm !== remembered?.realm || challenge.service !== remembered.service
    if (!isNews && failure !== undefined) {
      await discard(response)
      throw failure as Error
    }
    if (!isNews && first?.token?.isRemembered !== true) return response
    if (first?.token?.isRemembered === true) await tokens.forget(first.wanted)
    await state.set(challengeKey, JSON.stringify(challenge), rememberChallengeSeconds)
    const second = await authorizationFor(challenge, hop, scopeAt(hop, scope))
    if (!second) return response
    await discard(response)
    return send(withAuthorization(hop, second.header), network, signal)
  }

  /** A registry that we were redirected to may know the repository by another name. */
  function scopeAt(hop: Hop, scope: string): string {
    if (hop.url.origin === own.origin) return scope
    const name = /^\/v2\/(.+)\/(?:manifests|blobs|tags|referrers)\//.exec(hop.url.pathname)?.[1]
    return name === undefined ? scope : `repository:${name}:pull`
  }

  async function recall(key: string, hop: Hop): Promise<Remembered | undefined> {
    const remembered = (await getJson(state, key)) as Remembered | undefined
    if (!remembered) return undefined
    const isOwn = hop.url.origin === own.origin
    return remembered.scheme === 'basic' || isUsableRealm(remembered.realm, hop, isOwn)
      ? remembered
      : undefined
  }

  /** Bearer before Basic; the first realm that may be asked. */
  function choose(
    challenges: readonly Challenge[],
    hop: Hop,
    isOwn: boolean,
  ): Remembered | undefined {
    for (const { scheme, parameters } of challenges) {
      const realm = parameters.get('realm') ?? ''
      if (scheme !== 'bearer' || !isUsableRealm(realm, hop, isOwn)) continue
      return { scheme, realm, service: parameters.get('service') }
    }
    const basic = challenges.some(({ scheme }) => scheme === 'basic')
    return basic && isOwn && endpoint.credentials ? { scheme: 'basic', realm: '' } : undefined
  }

  function isUsableRealm(realm: string, hop: Hop, isOwn: boolean): boolean {
    const url = URL.parse(realm)
    if (!url) return false
    if (isOwn) return isTrustedRealm(url, endpoint, upstream)
    // Another registry that we were redirected to: its own realm, and nothing of ours goes there.
    return isTrustedRealm(url, { url: hop.url.href }, upstream)
  }

  async function authorizationFor(
    { scheme, realm, service }: Remembered,
    hop: Hop,
    scope: string,
  ): Promise<{ header: string; token?: Token; wanted: TokenRequest } | undefined> {
    const credentials = hop.url.origin === own.origin ? endpoint.credentials : undefined
    const wanted: TokenRequest = {
      upstream: upstream.name,
      realm: URL.parse(realm) ?? own,
      service,
      scope,
      credentials,
    }
    if (scheme === 'basic') {
      return credentials && { header: basicAuthorization(credentials), wanted }
    }
    const network = isOwnHost(wanted.realm, upstream) ? 'any' : 'public'
    const token = await tokens.get(wanted, (realmHop, signal) => send(realmHop, network, signal))
    return { header: `Bearer ${token.value}`, token, wanted }
  }
}

/** A hop with that header, or with none. */
export function withAuthorization(hop: Hop, authorization: string | undefined): Hop {
  return authorization === undefined ? hop : { ...hop, headers: { ...hop.headers, authorization } }
}
