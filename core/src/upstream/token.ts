import type { Credentials } from '../config/config.ts'
import { decodeJson, isObject } from '../json.ts'
import type { Clock, CreateHasher, KeyValue } from '../ports.ts'
import { discard, readBytes, readText } from './body.ts'
import type { Hop, SendHop } from './exchange.ts'
import { withTimeLimit } from './time-limit.ts'
import { ownWords, UpstreamTrouble } from './trouble.ts'
import { toAnswerTrouble } from './verdict.ts'

/** What a Bearer challenge asks for. */
export interface TokenRequest {
  readonly upstream: string
  readonly realm: URL
  readonly service: string | undefined
  readonly scope: string | undefined
  readonly credentials: Credentials | undefined
}

export interface Token {
  readonly value: string
  /** Came from an earlier request, so a refusal may only mean that it has been revoked. */
  readonly isRemembered: boolean
}

/** The realm said no: for these credentials there is no such token. */
export class TokenRefused extends Error {
  override readonly name = 'TokenRefused'
}

/** Sends a request to a realm, until the signal aborts. */
export type SendToRealm = (hop: Hop, signal: AbortSignal) => Promise<Response>

export interface TokenSourceOptions {
  readonly volatile: KeyValue
  readonly createHasher: CreateHasher
  readonly clock: Clock
  /** For one token: who waits for it has a deadline of its own, which must not be another's. */
  readonly limitMs: number
}

export interface TokenSource {
  get(wanted: TokenRequest, send: SendToRealm): Promise<Token>
  forget(wanted: TokenRequest): Promise<void>
}

const maxTokenBytes = 256 * 1024
/** Distribution token specification, "expires_in": 60 when absent; clients treat less as 60, too. */
const leastLifeSeconds = 60
const longestLifeSeconds = 12 * 3600

/**
 * Tokens, kept until shortly before they expire. The key holds all that a token depends on, the credentials
 * too: without them one caller's rights would serve another.
 */
export function createTokenSource({
  volatile,
  createHasher,
  clock,
  limitMs,
}: TokenSourceOptions): TokenSource {
  const underWay = new Map<string, Promise<Token>>()

  return {
    async get(wanted, send) {
      const key = keyOf(wanted)
      const remembered = await volatile.get(key)
      if (remembered !== undefined) return { value: remembered, isRemembered: true }
      const joined = underWay.get(key)
      if (joined) return joined
      const asked = withTimeLimit(clock, limitMs, wanted.realm.host, (signal) =>
        ask(wanted, key, (hop) => send(hop, signal), signal),
      ).finally(() => underWay.delete(key))
      underWay.set(key, asked)
      return asked
    },
    forget: (wanted) => volatile.delete(keyOf(wanted)),
  }

  async function ask(
    wanted: TokenRequest,
    key: string,
    send: SendHop,
    signal: AbortSignal,
  ): Promise<Token> {
    const response = await send(toHop(wanted))
    if (response.status !== 200) throw await refusal(response, wanted)
    const { value, lifeSeconds } = parseToken(
      await readBytes(response, maxTokenBytes, signal),
      wanted,
    )
    await volatile.set(key, value, lifeSeconds - Math.max(10, lifeSeconds * 0.1))
    return { value, isRemembered: false }
  }

  function keyOf({ upstream, realm, service, scope, credentials }: TokenRequest): string {
    const hasher = createHasher('sha256')
    const who = credentials ? [credentials.username, credentials.password] : []
    hasher.update(
      new TextEncoder().encode(JSON.stringify([upstream, realm.href, service, scope, who])),
    )
    return `token/${hasher.hex()}`
  }
}

export function basicAuthorization({ username, password }: Credentials): string {
  const bytes = new TextEncoder().encode(`${username}:${password}`)
  return `Basic ${btoa(String.fromCharCode(...bytes))}`
}

function toHop({ realm, service, scope, credentials }: TokenRequest): Hop {
  const url = new URL(realm)
  if (service !== undefined) url.searchParams.set('service', service)
  if (scope !== undefined) url.searchParams.set('scope', scope)
  if (!credentials) return { method: 'GET', url, headers: {} }
  url.searchParams.set('account', credentials.username)
  return { method: 'GET', url, headers: { authorization: basicAuthorization(credentials) } }
}

async function refusal(response: Response, { upstream, realm }: TokenRequest): Promise<Error> {
  const trouble = toAnswerTrouble(response, upstream)
  if (trouble) {
    await discard(response)
    return trouble
  }
  const words = ownWords(await readText(response, 16 * 1024))
  const said = `${realm.host} answered ${String(response.status)}`
  // A redirecting or otherwise odd realm says nothing about the content.
  if (response.status < 400) return new UpstreamTrouble(upstream, 'server-error', said)
  return new TokenRefused(words === '' ? said : `${said}: ${words}`)
}

function parseToken(
  body: Uint8Array | undefined,
  { upstream, realm }: TokenRequest,
): { value: string; lifeSeconds: number } {
  const parsed = decodeJson(body)
  const fields = isObject(parsed) ? parsed : {}
  const value = [fields['token'], fields['access_token']].find(
    (text) => typeof text === 'string' && text !== '',
  )
  // Nothing but visible ASCII may reach a header.
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) {
    throw new UpstreamTrouble(upstream, 'server-error', `${realm.host} gave no usable token`)
  }
  const stated = Number(fields['expires_in'] ?? leastLifeSeconds)
  const lifeSeconds = Number.isFinite(stated) ? stated : leastLifeSeconds
  return {
    value,
    lifeSeconds: Math.min(Math.max(lifeSeconds, leastLifeSeconds), longestLifeSeconds),
  }
}
