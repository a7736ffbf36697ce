import { isHeaderSafe, type UpstreamToken } from '../access/relay-token.ts'
import { fromBase64 } from '../base64.ts'
import type { Credentials, UpstreamConfig } from '../config/config.ts'
import { RegistryError } from '../errors.ts'
import { decodeJson, isObject } from '../json.ts'
import type { Clock } from '../ports.ts'
import { discard, readBytes, readText } from './body.ts'
import type { Hop, Send } from './exchange.ts'
import { pingOf, type Realm, type Realms } from './realm.ts'
import { withTimeLimit } from './time-limit.ts'
import { basicAuthorization } from './token.ts'
import { ownWords, toTrouble, UpstreamTrouble } from './trouble.ts'
import { isOwnHost } from './trust.ts'
import { toAnswerTrouble } from './verdict.ts'

/** What a client shows of itself at our token endpoint; it goes to the upstream's own and nowhere else. */
export type Login =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'password'; readonly credentials: Credentials; readonly wantsRefresh: boolean }
  | { readonly kind: 'refresh'; readonly token: string }

export interface Granted {
  /** Undefined where the upstream asks for nothing, or has nothing for an anonymous client. */
  readonly token: UpstreamToken | undefined
  readonly lifeSeconds: number
  readonly refreshToken: string | undefined
}

export interface RelayLoginOptions {
  readonly upstream: UpstreamConfig
  readonly realms: Realms
  readonly send: Send
  readonly clock: Clock
  readonly limitMs: number
}

export type RelayLogin = (login: Login, scopes: readonly string[]) => Promise<Granted>

/** Distribution token specification, "expires_in": 60 when absent; clients treat less as 60, too. */
const leastLifeSeconds = 60
const basicLifeSeconds = 300
const maxAnswerBytes = 64 * 1024

/**
 * Asks an upstream for a client's token, with the client's own login. Of a failover chain it is always the first
 * endpoint: a client has an account at one.
 */
export function createRelayLogin(options: RelayLoginOptions): RelayLogin {
  const { upstream, realms, send, clock, limitMs } = options
  const { name } = upstream
  const root = upstream.endpoints[0]?.url ?? ''

  return async (login, scopes) => {
    try {
      return await withTimeLimit(clock, limitMs, name, async (signal) => {
        const realm = await realms.find(repositoryOf(scopes), signal)
        if (realm.scheme === 'none') return nothing
        if (realm.scheme === 'basic') return tryBasic(login, signal)
        // Without a scope there is nothing that an anonymous client would need a token for.
        if (login.kind === 'anonymous' && scopes.length === 0) return nothing
        return await tryBearer(realm, login, scopes, signal)
      })
    } catch (error) {
      throw toTrouble(name, error)
    }
  }

  async function tryBearer(
    realm: Realm & { scheme: 'bearer' },
    login: Login,
    scopes: readonly string[],
    signal: AbortSignal,
  ): Promise<Granted> {
    const network = isOwnHost(realm.url, upstream) ? 'any' : 'public'
    const response = await send(toHop(realm, login, scopes), network, signal)
    if (response.status !== 200) throw await refusal(response, realm.url.host)
    return readGrant(await readBytes(response, maxAnswerBytes, signal), realm.url.host)
  }

  /** There is no token to be had: the login itself is what each request shows. */
  async function tryBasic(login: Login, signal: AbortSignal): Promise<Granted> {
    if (login.kind === 'anonymous') return nothing
    if (login.kind === 'refresh') throw wrongLogin('')
    const header = basicAuthorization(login.credentials)
    const url = new URL(pingOf(root))
    const network = isOwnHost(url, upstream) ? 'any' : 'public'
    const hop: Hop = { method: 'GET', url, headers: { authorization: header } }
    const response = await send(hop, network, signal)
    if (response.status !== 200) throw await refusal(response, url.host)
    await discard(response)
    const token = { scheme: 'Basic', value: header.slice('Basic '.length) } as const
    return { token, lifeSeconds: basicLifeSeconds, refreshToken: undefined }
  }

  async function refusal(response: Response, host: string): Promise<Error> {
    const trouble = toAnswerTrouble(response, name)
    if (trouble) {
      await discard(response)
      return trouble
    }
    const { status } = response
    const words = ownWords(await readText(response, 16 * 1024))
    if (refusals.has(status)) return wrongLogin(words)
    if (status === 403) return new RegistryError('DENIED', `${name} refuses this${said(words)}`)
    await realms.forget()
    return new UpstreamTrouble(name, 'server-error', `${host} answered ${String(status)}`)
  }

  function wrongLogin(words: string): RegistryError {
    return new RegistryError(
      'UNAUTHORIZED',
      `${name} does not take this login${said(words)}: use your account there`,
    )
  }

  function readGrant(body: Uint8Array | undefined, host: string): Granted {
    const parsed = decodeJson(body)
    const fields = isObject(parsed) ? parsed : {}
    const value = [fields['token'], fields['access_token']].find(isHeaderSafe)
    if (value === undefined)
      throw new UpstreamTrouble(name, 'server-error', `${host} gave no usable token`)
    const stated = Number(fields['expires_in'] ?? lifeOfJwt(value, clock.now()))
    const refresh = fields['refresh_token']
    return {
      token: { scheme: 'Bearer', value },
      lifeSeconds: Number.isFinite(stated) ? Math.max(stated, leastLifeSeconds) : leastLifeSeconds,
      refreshToken: isHeaderSafe(refresh) ? refresh : undefined,
    }
  }
}

/** 405: it takes no refresh tokens. */
const refusals: ReadonlySet<number> = new Set([400, 401, 405])

const nothing: Granted = {
  token: undefined,
  lifeSeconds: leastLifeSeconds,
  refreshToken: undefined,
}

function repositoryOf(scopes: readonly string[]): string | undefined {
  return /^repository:(.+):[^:]+$/.exec(scopes[0] ?? '')?.[1]
}

/**
 * A password goes by GET, which all registries take: some refuse the form, and trying both would count a
 * wrong password twice (registries.md, section 1.3).
 */
function toHop(
  { url: realm, service }: Realm & { scheme: 'bearer' },
  login: Login,
  scopes: readonly string[],
): Hop {
  if (login.kind === 'refresh') {
    const form = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'pullway' })
    form.set('refresh_token', login.token)
    if (service !== undefined) form.set('service', service)
    if (scopes.length > 0) form.set('scope', scopes.join(' '))
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    return { method: 'POST', url: new URL(realm), headers, body: form.toString() }
  }
  const url = new URL(realm)
  if (service !== undefined) url.searchParams.set('service', service)
  for (const scope of scopes) url.searchParams.append('scope', scope)
  if (login.kind === 'anonymous') return { method: 'GET', url, headers: {} }
  const { credentials, wantsRefresh } = login
  url.searchParams.set('account', credentials.username)
  url.searchParams.set('client_id', 'pullway')
  if (wantsRefresh) url.searchParams.set('offline_token', 'true')
  return { method: 'GET', url, headers: { authorization: basicAuthorization(credentials) } }
}

/** quay.io says in the token what it does not say beside it. */
function lifeOfJwt(token: string, nowMs: number): number | undefined {
  const [, payload] = token.split('.')
  const claims = payload === undefined ? undefined : decodeJson(fromBase64(payload))
  const expires = isObject(claims) ? claims['exp'] : undefined
  return typeof expires === 'number' ? Math.floor(expires - nowMs / 1000) : undefined
}

function said(words: string): string {
  return words === '' ? '' : ` (${words})`
}
