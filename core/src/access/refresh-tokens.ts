import { getJson } from '../cache/state.ts'
import { isObject } from '../json.ts'
import type { CreateHasher, KeyValue } from '../ports.ts'
import type { UserEntry } from './htpasswd.ts'
import { random, toHex } from './signing-keys.ts'
import type { Tokens } from './tokens.ts'
import { hashText, type Users } from './users.ts'

/** What `docker login` keeps in place of a password. */
export interface RefreshTokens {
  issue(entry: UserEntry, service: string): Promise<string>
  redeem(token: string, service: string): Promise<UserEntry | undefined>
}

export interface RefreshTokensOptions {
  /** Whether the operator gave a key, which every instance has, after every restart. */
  readonly hasLastingKey: boolean
  readonly tokens: Tokens
  readonly users: Users
  readonly state: KeyValue
  readonly createHasher: CreateHasher
}

const lifeSeconds = 90 * 24 * 3600
const prefix = 'pwr_'

/**
 * Signed, where the key lasts; else 256 random bits, of which the state keeps the hash, so that a login
 * outlives a restart and no secret is on a disk. Either way it ends with its user or its user's password.
 */
export function createRefreshTokens(options: RefreshTokensOptions): RefreshTokens {
  const { hasLastingKey, tokens } = options
  if (!hasLastingKey) return createKeptTokens(options)
  return {
    issue: (entry, service) =>
      tokens.issue({ use: 'refresh', entry, service, scopes: [], lifeSeconds }),
    redeem: async (token, service) => (await tokens.read(token, 'refresh', service))?.entry,
  }
}

function createKeptTokens({ users, state, createHasher }: RefreshTokensOptions): RefreshTokens {
  const keyOf = (token: string): string => `refresh/${hashText(createHasher, token)}`
  const markOf = ({ text }: UserEntry): string => hashText(createHasher, 'refresh', text)

  return {
    async issue(entry, service) {
      const token = prefix + toHex(random(32))
      const record = JSON.stringify({ user: entry.name, mark: markOf(entry), service })
      await state.set(keyOf(token), record, lifeSeconds)
      return token
    },
    async redeem(token, service) {
      if (!/^pwr_[a-f0-9]{64}$/.test(token)) return undefined
      const record = await getJson(state, keyOf(token))
      if (!isObject(record) || record['service'] !== service) return undefined
      const entry = typeof record['user'] === 'string' ? users.find(record['user']) : undefined
      return entry && users.isCurrent(entry) && markOf(entry) === record['mark'] ? entry : undefined
    },
  }
}
