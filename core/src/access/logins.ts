import { withForgiveness } from '../cache/state.ts'
import { createStoreReport } from '../cache/store-report.ts'
import type { Config, UpstreamConfig } from '../config/config.ts'
import type { Lasting } from '../lasting.ts'
import type { Ports } from '../ports.ts'
import type { Router } from '../route.ts'
import type { Caller } from './caller.ts'
import type { Client } from './client.ts'
import { createIdentify, type Identify, nobody } from './identify.ts'
import { anonymousToken } from './open-mirror.ts'
import { createPasswords } from './passwords.ts'
import { createRefreshTokens } from './refresh-tokens.ts'
import type { RepositoryScope } from './scopes.ts'
import { createSigningKeys } from './signing-keys.ts'
import { createTokenEndpoint, type Granted } from './token-endpoint.ts'
import { createTokens } from './tokens.ts'
import { createUsers, type UsersFile } from './users.ts'

/** All about who somebody is; what he may is another question (permit.ts). */
export interface Logins {
  readonly identify: Identify
  token(request: Request, client: Client): Promise<Granted>
  /** Takes the users' file as it has become. */
  replaceUsers(file: UsersFile): void
}

export interface LoginsOptions {
  readonly config: Config
  readonly ports: Ports
  readonly lasting: Lasting
  readonly router: Router
  /** Whether any pull of this repository may be allowed to this caller: scopes are cut to these. */
  readonly allowsScope: (caller: Caller, upstream: UpstreamConfig, repository: string) => boolean
  readonly file: UsersFile | undefined
}

/** Throws a ConfigError when the users cannot be read. */
export function createLogins(options: LoginsOptions): Logins {
  const { config, ports, lasting, router, allowsScope, file } = options
  const { users: usersConfig } = config.access
  if (!usersConfig) return openMirror
  const { clock, createHasher, logger, verifyBcrypt, maxPbkdf2Iterations } = ports
  const means = {
    ...(verifyBcrypt && { verifyBcrypt }),
    ...(maxPbkdf2Iterations !== undefined && { maxPbkdf2Iterations }),
  }
  const report = createStoreReport(logger, lasting.metrics)
  const state = withForgiveness(ports.state, report)
  const volatile = withForgiveness(ports.volatile, report)
  const { anonymous, tokenKey } = usersConfig

  const users = createUsers({ config, file, means, clock, createHasher, logger })
  const { guesses } = lasting
  const passwords = createPasswords({ users, means, guesses, clock, createHasher, logger })
  const keys = createSigningKeys({ configured: tokenKey, volatile, clock, createHasher })
  const tokens = createTokens({ users, keys, clock, createHasher })
  const hasLastingKey = tokenKey !== undefined
  const refreshTokens = createRefreshTokens({ hasLastingKey, tokens, users, state, createHasher })

  return {
    identify: createIdentify({ users, passwords, tokens, anonymous }),
    token: createTokenEndpoint({ passwords, tokens, refreshTokens, anonymous, isAllowed }),
    replaceUsers: (changed) => users.replace(changed),
  }

  /** What is not configured, or no name, is nothing that could be allowed. */
  function isAllowed(caller: Caller, { name }: RepositoryScope, host: string): boolean {
    const route = router.scoped(name, host)
    return route !== undefined && allowsScope(caller, route.upstream, route.repository)
  }
}

/** Without users nobody logs in, and what clients send all the same counts for nothing. */
const openMirror: Logins = {
  identify: ({ authorization }) =>
    Promise.resolve(authorization === null ? nobody : { ...nobody, authorization }),
  token: (request) =>
    Promise.resolve({ response: anonymousToken(request.method), user: undefined }),
  replaceUsers: () => undefined,
}
