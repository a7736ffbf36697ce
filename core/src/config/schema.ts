import * as z from 'zod/mini'
import type {
  BlobDelivery,
  CacheConfig,
  Config,
  S3Config,
  LogLevel,
  TroubleReason,
  UpstreamConfig,
} from './config.ts'
import { formatHostAndPort, parseHost, parseHostAndPort, parseNetwork } from './hosts.ts'
import type { Listen } from './listen.ts'
import { parseListen } from './listen.ts'
import { parseAlias } from './names.ts'
import { parseCount, parseSize } from './units.ts'
import { accessSchema, imagesSchema, limitsSchema } from './schema-access.ts'
import type { GivenAccess, GivenImages, GivenLimits } from './schema-access.ts'
import { parseBucket, parsePrefix, parseRedisUrl } from './services.ts'
import { parseBaseUrl, parseEndpointUrl, parseOrigin } from './urls.ts'
import { duration, flag, list, parsed, parsePath, parseSecret, parseUsername } from './values.ts'
import type { Given, List } from './values.ts'

/** The document with its single values parsed; what belongs together is checked afterwards. */
export type GivenConfig = Given<{
  $schema: string
  listen: Listen
  publicUrl: string
  trustedProxies: List<string>
  upstreams: Readonly<Record<string, GivenUpstream | undefined>>
  cache: GivenCache
  timeouts: Given<{ connect: number; firstByte: number; idle: number; answer: number }>
  shutdown: Given<{ drain: number; finish: number }>
  access: GivenAccess
  limits: GivenLimits
  push: Given<{ enabled: boolean }>
  log: Given<{ format: Config['log']['format']; level: LogLevel }>
}>

export type GivenUpstream = Given<{
  enabled: boolean
  default: boolean
  aliases: List<string>
  hosts: List<string>
  endpoints: List<GivenEndpoint>
  failoverOn: List<'not-found'>
  quotaFloor: number
  trustedHosts: List<string>
  blobs: BlobDelivery
  search: string
  clientCredentials: UpstreamConfig['clientCredentials']
  images: GivenImages
}>

export type GivenEndpoint = Given<{
  url: string
  username: string
  password: string
  accounts: List<GivenAccount>
}>

export type GivenAccount = Given<{ username: string; password: string }>

export type GivenCache = Given<{
  blobs: Given<{ driver: CacheConfig['blobs']['driver']; path: string; maxSize: number } & S3Config>
  state: Given<{ driver: CacheConfig['state']['driver']; url: string; token: string }>
  tags: Given<{ freshFor: number; staleFor: number }>
  serveStaleOn: List<TroubleReason | 'not-found'>
}>

// Functions, as the JSON Schema has one note for each place of a value.
const timer = (): z.ZodMiniType<number, string> => duration('1ms', '1h')
const age = (): z.ZodMiniType<number, string> => duration('0s', '3650d')

const endpoint = z.strictObject({
  url: z.optional(parsed(parseEndpointUrl)),
  username: z.optional(parsed(parseUsername)),
  password: z.optional(parsed(parseSecret)),
  accounts: list(
    z.strictObject({
      username: z.optional(parsed(parseUsername)),
      password: z.optional(parsed(parseSecret)),
    }),
  ),
})

const upstream = z.strictObject({
  enabled: z.optional(flag()),
  default: z.optional(flag()),
  aliases: list(parsed(parseAlias)),
  hosts: list(parsed(parseHost)),
  endpoints: list(endpoint),
  failoverOn: list(z.enum(['not-found'])),
  quotaFloor: z.optional(parsed(parseCount)),
  trustedHosts: list(parsed((text) => formatHostAndPort(parseHostAndPort(text)))),
  blobs: z.optional(z.enum(['auto', 'stream', 'redirect'])),
  search: z.optional(parsed(parseBaseUrl)),
  clientCredentials: z.optional(z.enum(['ignore', 'relay'])),
  images: imagesSchema(),
})

const cache = z.strictObject({
  blobs: z.optional(
    z.strictObject({
      driver: z.optional(z.enum(['filesystem', 's3', 'memory', 'none'])),
      path: z.optional(parsed(parsePath)),
      maxSize: z.optional(parsed((text) => parseSize(text, { least: '1MiB', most: '1024TiB' }))),
      endpoint: z.optional(parsed(parseOrigin)),
      bucket: z.optional(parsed(parseBucket)),
      region: z.optional(parsed(parseSecret)),
      accessKeyId: z.optional(parsed(parseSecret)),
      secretAccessKey: z.optional(parsed(parseSecret)),
      prefix: z.optional(parsed(parsePrefix)),
    }),
  ),
  state: z.optional(
    z.strictObject({
      driver: z.optional(z.enum(['filesystem', 'memory', 'redis'])),
      url: z.optional(parsed(parseRedisUrl)),
      token: z.optional(parsed(parseSecret)),
    }),
  ),
  tags: z.optional(z.strictObject({ freshFor: z.optional(age()), staleFor: z.optional(age()) })),
  serveStaleOn: list(
    z.enum(['rate-limited', 'server-error', 'timeout', 'unreachable', 'not-found']),
  ),
})

export const configSchema: z.ZodMiniType<GivenConfig> = z.strictObject({
  // For editors; JSON has no comment to put it in.
  $schema: z.optional(z.string()),
  listen: z.optional(parsed(parseListen)),
  publicUrl: z.optional(parsed(parseOrigin)),
  trustedProxies: list(parsed(parseNetwork)),
  upstreams: z.optional(z.record(z.string(), z.optional(upstream))),
  cache: z.optional(cache),
  timeouts: z.optional(
    z.strictObject({
      connect: z.optional(timer()),
      firstByte: z.optional(timer()),
      idle: z.optional(timer()),
      // Clients give up on a mirror that is silent for 15 s.
      answer: z.optional(duration('1ms', '14s')),
    }),
  ),
  shutdown: z.optional(
    z.strictObject({
      drain: z.optional(duration('0s', '10m')),
      finish: z.optional(duration('0s', '1h')),
    }),
  ),
  access: accessSchema(),
  limits: limitsSchema(),
  push: z.optional(z.strictObject({ enabled: z.optional(flag()) })),
  log: z.optional(
    z.strictObject({
      format: z.optional(z.enum(['main', 'json'])),
      level: z.optional(z.enum(['info', 'warn', 'error'])),
    }),
  ),
})
