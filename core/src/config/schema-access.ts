import * as z from 'zod/mini'
import type { AccessRule, UsersConfig } from './config.ts'
import { parseNetwork } from './hosts.ts'
import { parseBandwidth, parseRequestRate, parseWholeNumber } from './rates.ts'
import { flag, list, parsed, parsePath, parseSecret } from './values.ts'
import type { Given, List } from './values.ts'
import { parseAgent, parseMessage, parseTokenKey, parseUser } from './words.ts'

export type GivenAccess = Given<{
  networks: Given<{ allow: List<string>; deny: List<string> }>
  userAgents: Given<{ deny: List<string> }>
  images: GivenImages
  users: GivenUsers
  rules: List<GivenRule>
  admins: List<string>
}>

/** Patterns as they were written: what they mean depends on the upstreams. */
export type GivenImages = Given<{ allow: List<string>; deny: List<string>; message: string }>

export type GivenUsers = Given<
  Pick<UsersConfig, 'htpasswd' | 'anonymous' | 'tokenKey'> & { entries: List<string> }
>

export type GivenRule = Given<
  Pick<AccessRule, 'message'> & { users: List<string>; images: List<string>; deny: List<string> }
>

export type GivenLimits = Given<{
  requests: Given<{ rate: number; burst: number }>
  connections: number
  bandwidth: number
}>

const pattern = (): z.ZodMiniType<string, string> => parsed(parseSecret)

export function imagesSchema(): z.ZodMiniType<GivenImages | undefined> {
  return z.optional(
    z.strictObject({
      allow: list(pattern()),
      deny: list(pattern()),
      message: z.optional(parsed(parseMessage)),
    }),
  )
}

export function accessSchema(): z.ZodMiniType<GivenAccess | undefined> {
  return z.optional(
    z.strictObject({
      networks: z.optional(
        z.strictObject({ allow: list(parsed(parseNetwork)), deny: list(parsed(parseNetwork)) }),
      ),
      userAgents: z.optional(z.strictObject({ deny: list(parsed(parseAgent)) })),
      images: imagesSchema(),
      users: z.optional(
        z.strictObject({
          htpasswd: z.optional(parsed(parsePath)),
          entries: list(parsed(parseSecret)),
          anonymous: z.optional(flag()),
          tokenKey: z.optional(parsed(parseTokenKey)),
        }),
      ),
      rules: list(
        z.strictObject({
          users: list(parsed(parseUser)),
          images: list(pattern()),
          deny: list(pattern()),
          message: z.optional(parsed(parseMessage)),
        }),
      ),
      admins: list(parsed(parseUser)),
    }),
  )
}

export function limitsSchema(): z.ZodMiniType<GivenLimits | undefined> {
  return z.optional(
    z.strictObject({
      requests: z.optional(
        z.strictObject({
          rate: z.optional(parsed(parseRequestRate)),
          burst: z.optional(parsed(parseWholeNumber)),
        }),
      ),
      connections: z.optional(parsed(parseWholeNumber)),
      bandwidth: z.optional(parsed(parseBandwidth)),
    }),
  )
}
