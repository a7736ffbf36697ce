import { extendZodWithOpenApi } from 'chanfana'
import { z } from 'zod'

// Also done by chanfana itself, which a bundler may put behind this file.
extendZodWithOpenApi(z)

export interface UpstreamsAnswer {
  readonly upstreams: readonly UpstreamAnswer[]
}

export interface UpstreamAnswer {
  readonly name: string
  readonly default: boolean
  readonly asked: boolean
  readonly quotaFloor: number
  readonly scarce: boolean
  readonly endpoints: readonly EndpointAnswer[]
}

export interface EndpointAnswer {
  readonly endpoint: string
  readonly up: boolean | null
  readonly rest: RestAnswer | null
  readonly accounts: readonly AccountAnswer[]
}

export interface AccountAnswer {
  readonly place: number
  readonly anonymous: boolean
  readonly quota: QuotaAnswer | null
  readonly rest: RestAnswer | null
}

export interface QuotaAnswer {
  readonly limit: number | null
  readonly remaining: number | null
  readonly until: string
}

export interface RestAnswer {
  readonly until: string
  readonly reason: 'rate-limited' | 'server-error' | 'timeout' | 'unreachable'
  readonly message: string
}

export interface ErrorsAnswer {
  readonly errors: readonly { readonly code: string; readonly message: string }[]
}

const time = (description: string): z.ZodISODateTime => z.iso.datetime().describe(description)
const count = (description: string): z.ZodInt => z.int().min(0).describe(description)

/** A named schema that is `nullable` makes null a part of the name's meaning. */
function orNull<T>(schema: z.ZodType<T>, description: string): z.ZodType<T | null> {
  return z.union([schema, z.null()]).describe(description)
}

const rest = z
  .strictObject({
    until: time('When it is tried again. In the past while one request tries it.'),
    reason: z
      .enum(['rate-limited', 'server-error', 'timeout', 'unreachable'])
      .describe('What kind of trouble it was.'),
    message: z.string().describe('The trouble in words, as the log has it.'),
  })
  .openapi('Rest', { description: 'Requests are kept off what has failed until that time.' })

const quota = z
  .strictObject({
    limit: count('Pulls that the window allows.').nullable(),
    remaining: count('Pulls that are left in it.').nullable(),
    until: time('When the window ends, at the latest.'),
  })
  .openapi('Quota', { description: 'What the registry has said with its last answer.' })

const account = z
  .strictObject({
    place: z.int().min(1).describe('Its place in the configuration, from 1.'),
    anonymous: z.boolean().describe('No credentials: the registry counts by address.'),
    quota: orNull(quota, 'null: the registry has told none, or its window is over.'),
    rest: orNull(rest, 'null: it is used.'),
  })
  .openapi('Account', { description: 'One user of an endpoint.' })

const endpoint = z
  .strictObject({
    endpoint: z.string().describe('Its host, with the path where two share one; as in metrics.'),
    up: z
      .boolean()
      .nullable()
      .describe('false from a failure to the next answer; null before the upstream is asked.'),
    rest: orNull(rest, 'null: it is asked in its turn.'),
    accounts: z.array(account).describe('In the order of the configuration.'),
  })
  .openapi('Endpoint', { description: 'One address of an upstream.' })

const upstream = z
  .strictObject({
    name: z.string().describe('The registry, as images name it.'),
    default: z.boolean().describe('Images without a registry come from it.'),
    asked: z.boolean().describe('Whether it was asked for anything since the mirror started.'),
    quotaFloor: count('With fewer pulls left, stale tags are served rather than a pull spent.'),
    scarce: z.boolean().describe('Fewer pulls than quotaFloor are left.'),
    endpoints: z.array(endpoint).describe('In the order in which they are asked.'),
  })
  .openapi('Upstream', { description: 'A registry that the mirror pulls from.' })

/** Held against what is answered by the compiler, and by the tests. */
export const upstreamAnswer: z.ZodType<UpstreamAnswer> = upstream

export const upstreamsAnswer: z.ZodType<UpstreamsAnswer> = z
  .strictObject({ upstreams: z.array(upstream).describe('In the order of the configuration.') })
  .openapi('Upstreams')

const error = z
  .strictObject({
    code: z.string().describe('Of the OCI distribution specification.'),
    message: z.string().describe('What is wrong, and what to do next.'),
  })
  .openapi('Error')

export const errorsAnswer: z.ZodType<ErrorsAnswer> = z
  .strictObject({
    errors: z.array(error).describe('One.'),
  })
  .openapi('Errors', { description: 'A refusal, in the form of the registry API.' })
