import { getJson } from '../cache/state.ts'
import type { EndpointConfig, UpstreamConfig } from '../config/config.ts'
import type { KeyValue } from '../ports.ts'
import { discard } from './body.ts'
import { parseChallenges } from './challenge.ts'
import type { Send } from './exchange.ts'
import { isOwnHost, isTrustedRealm } from './trust.ts'

/** How an endpoint lets clients in; `none`: it asks for nothing. */
export type Realm =
  | { readonly scheme: 'bearer'; readonly url: URL; readonly service: string | undefined }
  | { readonly scheme: 'basic' }
  | { readonly scheme: 'none' }

export interface Realms {
  /** `repository`: where to ask when `/v2/` itself is open. */
  find(repository: string | undefined, signal: AbortSignal): Promise<Realm>
  forget(): Promise<void>
}

export interface RealmsOptions {
  readonly upstream: UpstreamConfig
  readonly endpoint: EndpointConfig
  readonly send: Send
  /** Challenges are no secret. */
  readonly state: KeyValue
}

const rememberSeconds = 24 * 3600

/** Finds out, once a day, where an endpoint sends clients for their tokens; only to a realm that belongs to it. */
export function createRealms({ upstream, endpoint, send, state }: RealmsOptions): Realms {
  const key = `realm/${upstream.name}/${endpoint.url}`
  const network = isOwnHost(new URL(endpoint.url), upstream) ? 'any' : 'public'

  return {
    async find(repository, signal) {
      const kept = (await getJson(state, key)) as Kept | undefined
      const known = kept && toRealm(kept)
      if (known) return known
      const asked = [pingOf(endpoint.url)]
      if (repository !== undefined) asked.push(`${endpoint.url}/${repository}/manifests/latest`)
      for (const address of asked) {
        const response = await send(
          { method: address === asked[0] ? 'GET' : 'HEAD', url: new URL(address), headers: {} },
          network,
          signal,
        )
        await discard(response)
        if (response.status !== 401) continue
        const found = choose(response.headers.get('www-authenticate'))
        if (found) {
          await state.set(key, JSON.stringify(found), rememberSeconds)
          return toRealm(found) ?? { scheme: 'none' }
        }
      }
      return { scheme: 'none' }
    },
    forget: () => state.delete(key),
  }

  /** Bearer before Basic; the first realm that may be asked. */
  function choose(header: string | null): Kept | undefined {
    const challenges = parseChallenges(header)
    for (const { scheme, parameters } of challenges) {
      const realm = parameters.get('realm') ?? ''
      if (scheme !== 'bearer' || !mayAsk(realm)) continue
      return { scheme, realm, service: parameters.get('service') }
    }
    return challenges.some(({ scheme }) => scheme === 'basic') ? { scheme: 'basic' } : undefined
  }

  function toRealm(kept: Kept): Realm | undefined {
    if (kept.scheme === 'basic') return { scheme: 'basic' }
    const { realm = '', service } = kept
    return mayAsk(realm) ? { scheme: 'bearer', url: new URL(realm), service } : undefined
  }

  function mayAsk(realm: string): boolean {
    const url = URL.parse(realm)
    return url !== null && isTrustedRealm(url, endpoint, upstream)
  }
}

interface Kept {
  readonly scheme: 'bearer' | 'basic'
  readonly realm?: string
  readonly service?: string | undefined
}

/** `/v2/` of an API root, also of one with a project below it. */
export function pingOf(root: string): string {
  return `${/^(.*?\/v2)(?:\/|$)/.exec(root)?.[1] ?? root}/`
}
