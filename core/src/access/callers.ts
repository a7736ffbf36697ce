import type { Credentials, UpstreamConfig } from '../config/config.ts'
import { fromBase64 } from '../base64.ts'
import type { Clock, CreateHasher } from '../ports.ts'
import type { Asker } from '../upstream/asker.ts'
import type { Granted, RelayLogin } from '../upstream/relay-login.ts'
import { readRelayToken, type UpstreamToken } from './relay-token.ts'

/** One request of a client to a relay upstream. */
export interface CallerEvidence {
  readonly upstream: UpstreamConfig
  /** In the upstream's terms. */
  readonly scope: string
  /** As the client sent it. */
  readonly authorization: string | null
}

export interface Callers {
  /** Undefined: the client has not said who it is, and must be asked. */
  recognise(evidence: CallerEvidence): Promise<Asker | undefined>
}

export interface CallersOptions {
  readonly loginTo: (upstream: UpstreamConfig) => RelayLogin
  readonly clock: Clock
  readonly createHasher: CreateHasher
}

const maxRemembered = 500

/** Reads which of its own rights at an upstream a client shows with a request. */
export function createCallers({ loginTo, clock, createHasher }: CallersOptions): Callers {
  // Of clients that send a login with each request. In this process only: a token is nobody else's.
  const remembered = new Map<string, { readonly granted: Granted; readonly until: number }>()

  return {
    async recognise({ upstream, scope, authorization }) {
      const [, scheme = '', text = ''] = /^(\S+) +(\S+)$/.exec(authorization ?? '') ?? []
      if (scheme.toLowerCase() === 'bearer') {
        const tokens = readRelayToken(text)
        return tokens && toAsker(upstream, tokens.get(upstream.name), createHasher)
      }
      const credentials = scheme.toLowerCase() === 'basic' ? readBasic(text) : undefined
      if (!credentials) return undefined
      const { token } = await grant(upstream, scope, credentials)
      return toAsker(upstream, token, createHasher)
    },
  }

  async function grant(
    upstream: UpstreamConfig,
    scope: string,
    credentials: Credentials,
  ): Promise<Granted> {
    const { username, password } = credentials
    const key = hashOf(createHasher, [upstream.name, scope, username, password])
    const known = remembered.get(key)
    if (known && clock.now() < known.until) return known.granted
    const login = { kind: 'password', credentials, wantsRefresh: false } as const
    const granted = await loginTo(upstream)(login, [scope])
    if (remembered.size >= maxRemembered) remembered.clear()
    remembered.set(key, { granted, until: clock.now() + granted.lifeSeconds * 900 })
    return granted
  }
}

/** A caller's rights are those of its token: whoever has the same token has the same rights. */
export function toAsker(
  upstream: UpstreamConfig,
  token: UpstreamToken | undefined,
  createHasher: CreateHasher,
): Asker {
  const header = token && `${token.scheme} ${token.value}`
  const key = hashOf(createHasher, ['caller', upstream.name, header ?? null])
  return { key, rights: { kind: 'caller', header } }
}

export function hashOf(createHasher: CreateHasher, parts: readonly (string | null)[]): string {
  const hasher = createHasher('sha256')
  hasher.update(new TextEncoder().encode(JSON.stringify(parts)))
  return hasher.hex()
}

/** `Basic Og==`, an empty name and password, is nobody (clients.md, section 2). */
export function readBasic(encoded: string): Credentials | undefined {
  const bytes = fromBase64(encoded)
  const text = bytes && new TextDecoder().decode(bytes)
  const colon = text?.indexOf(':') ?? -1
  if (text === undefined || colon < 0 || text === ':') return undefined
  return { username: text.slice(0, colon), password: text.slice(colon + 1) }
}
