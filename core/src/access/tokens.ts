// Not the whole of jose, most of which is encryption: it takes three times as long to load.
import { SignJWT } from 'jose/jwt/sign'
import { jwtVerify } from 'jose/jwt/verify'
import { RegistryError } from '../errors.ts'
import type { Clock, CreateHasher } from '../ports.ts'
import type { UserEntry } from './htpasswd.ts'
import { createRemembered } from './remembered.ts'
import type { RepositoryScope } from './scopes.ts'
import type { SigningKeys } from './signing-keys.ts'
import { hashText, type Users } from './users.ts'

/** What a token says once it has been believed. */
export interface Bearer {
  /** Undefined: anonymous. */
  readonly entry: UserEntry | undefined
}

export type TokenUse = 'access' | 'refresh'

export interface TokenWanted {
  readonly use: TokenUse
  readonly entry: UserEntry | undefined
  /** Our host, as the client sees it. */
  readonly service: string
  readonly scopes: readonly RepositoryScope[]
  readonly lifeSeconds: number
}

export interface Tokens {
  issue(wanted: TokenWanted): Promise<string>
  /** Undefined: forged, expired, for another host or use, or of a user who is gone or has changed. */
  read(token: string, use: TokenUse, service: string): Promise<Bearer | undefined>
}

export interface TokensOptions {
  readonly users: Users
  readonly keys: SigningKeys
  readonly clock: Clock
  readonly createHasher: CreateHasher
}

const algorithm = 'HS256'
/** A pull sends its token with every request. */
const rememberMs = 60_000
const longestToken = 8 * 1024

export function createTokens({ users, keys, clock, createHasher }: TokensOptions): Tokens {
  const believed = createRemembered<Bearer>(clock, rememberMs)

  return {
    async issue({ use, entry, service, scopes, lifeSeconds }) {
      const { id, secret } = await keys.current()
      const now = Math.floor(clock.now() / 1000)
      const claims = {
        use,
        access: scopes.map((scope) => ({ type: 'repository', ...scope })),
        ...(entry && { mark: markOf(entry) }),
      }
      const token = new SignJWT(claims)
        .setProtectedHeader({ alg: algorithm, typ: 'JWT', kid: id })
        .setAudience(service)
        .setIssuedAt(now)
        .setExpirationTime(now + lifeSeconds)
      return (entry ? token.setSubject(entry.name) : token).sign(secret)
    },

    async read(token, use, service) {
      const known = believed.get(`${use} ${service} ${token}`)
      const bearer = known ?? (await verify(token, use, service))
      // A user who is removed is out at once, whatever was given out before.
      if (bearer?.entry && !users.isCurrent(bearer.entry)) return undefined
      return bearer
    },
  }

  async function verify(
    token: string,
    use: TokenUse,
    service: string,
  ): Promise<Bearer | undefined> {
    if (token.length > longestToken) return undefined
    const claims = await readClaims(token, service)
    if (claims?.['use'] !== use) return undefined
    const { sub, mark, exp = 0 } = claims
    const entry = sub === undefined ? undefined : users.find(sub)
    if (sub !== undefined && (!entry || markOf(entry) !== mark)) return undefined
    const bearer = { entry }
    const lifeMs = Math.min(rememberMs, exp * 1000 - clock.now())
    if (use === 'access') believed.set(`${use} ${service} ${token}`, bearer, lifeMs)
    return bearer
  }

  async function readClaims(
    token: string,
    service: string,
  ): Promise<Awaited<ReturnType<typeof jwtVerify>>['payload'] | undefined> {
    try {
      const { payload } = await jwtVerify(
        token,
        async ({ kid }) => {
          const key = typeof kid === 'string' ? await keys.find(kid) : undefined
          if (!key) throw new RegistryError('UNAUTHORIZED', 'nobody here signed this token')
          return key.secret
        },
        {
          // The one that we sign with: neither "none" nor one that makes a public key of the secret.
          algorithms: [algorithm],
          audience: service,
          currentDate: new Date(clock.now()),
          requiredClaims: ['exp', 'iat', 'use'],
        },
      )
      return payload
    } catch {
      return undefined
    }
  }

  /** Who has a new password, or a new token of the same name, is not who had the old one. */
  function markOf(entry: UserEntry): string {
    return hashText(createHasher, 'mark', entry.text).slice(0, 32)
  }
}
