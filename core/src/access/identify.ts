import { RegistryError } from '../errors.ts'
import type { Caller } from './caller.ts'
import { serviceOf } from './challenge.ts'
import type { Client } from './client.ts'
import { type Claim, parseAuthorization } from './credentials.ts'
import type { UserEntry } from './htpasswd.ts'
import { type Passwords, tokenPrefix } from './passwords.ts'
import type { Tokens } from './tokens.ts'
import type { Users } from './users.ts'

/** What of a request tells who sent it. */
export interface Evidence {
  readonly authorization: string | null
  /** Of a path that begins with /t/<secret>. */
  readonly secret: string | undefined
  readonly client: Client
  /** Whether it is /v2/ itself, from which clients learn that they can log in. */
  readonly isPing: boolean
}

export type Identify = (evidence: Evidence) => Promise<Caller>

export interface IdentifyOptions {
  readonly users: Users
  readonly passwords: Passwords
  readonly tokens: Tokens
  readonly anonymous: boolean
}

export const nobody: Caller = { user: undefined, images: undefined, authorization: undefined }

/** Who asks. Throws a 401 to who has to log in, or whose login is wrong; the app puts our challenge on it. */
export function createIdentify({ users, passwords, tokens, anonymous }: IdentifyOptions): Identify {
  return async ({ authorization, secret, client, isPing }) => {
    if (secret !== undefined) {
      // dockerd sends to a mirror what it has for Docker Hub: the path alone counts.
      const entry = users.findToken(secret)
      if (!entry) throw refusal('the secret in this address is not known, or not any more')
      return toCaller(entry, authorization)
    }
    const claim = parseAuthorization(authorization)
    if (claim.kind === 'none') {
      if (!anonymous || isPing) throw refusal('log in to this mirror')
      return { ...nobody }
    }
    return toCaller(await find(claim, client), authorization)
  }

  async function find(
    claim: Exclude<Claim, { kind: 'none' }>,
    client: Client,
  ): Promise<UserEntry | undefined> {
    if (claim.kind === 'password') {
      const entry = await passwords.check({ ...claim, address: client.address })
      if (entry) return entry
      throw refusal('the user name or the password is wrong')
    }
    if (claim.token.startsWith(tokenPrefix)) {
      const entry = users.findToken(claim.token)
      if (entry) return entry
    }
    const bearer = await tokens.read(claim.token, 'access', serviceOf(client))
    if (!bearer || (!bearer.entry && !anonymous))
      throw refusal('the token is not valid, or not any more')
    return bearer.entry
  }
}

export function toCaller(entry: UserEntry | undefined, authorization: string | null): Caller {
  const { name, secret } = entry ?? {}
  return {
    user: name,
    images: secret?.scheme === 'token' ? secret.images : undefined,
    authorization: authorization ?? undefined,
  }
}

function refusal(message: string): RegistryError {
  return new RegistryError('UNAUTHORIZED', message)
}
