import type { TroubleReason } from '../config/config.ts'
import { RegistryError } from '../errors.ts'
import { FetchError } from '../ports.ts'
import { quote } from '../request/reference.ts'

/**
 * The upstream gave no answer that says anything about the content: only this may be answered from a stale
 * copy. "It does not exist" and "you may not" are RegistryErrors instead.
 */
export class UpstreamTrouble extends Error {
  override readonly name = 'UpstreamTrouble'
  readonly reason: TroubleReason
  readonly upstream: string
  readonly retryAfterSeconds: number | undefined
  /** For want of something on this side: it says nothing of the upstream. */
  readonly isOurs: boolean

  constructor(
    upstream: string,
    reason: TroubleReason,
    message: string,
    options: ErrorOptions & {
      readonly retryAfterSeconds?: number | undefined
      readonly isOurs?: boolean
    } = {},
  ) {
    super(message, options)
    this.upstream = upstream
    this.reason = reason
    this.retryAfterSeconds = options.retryAfterSeconds
    this.isOurs = options.isOurs ?? false
  }
}

const reasonOfFailure = {
  timeout: 'timeout',
  unreachable: 'unreachable',
  'forbidden-address': 'server-error',
  exhausted: 'unreachable',
} as const

/** What a failed exchange means; errors of our own pass through unchanged. */
export function toTrouble(upstream: string, error: unknown): unknown {
  if (!(error instanceof FetchError)) return error
  return new UpstreamTrouble(upstream, reasonOfFailure[error.failure], error.message, {
    cause: error,
    isOurs: error.failure === 'exhausted',
  })
}

/** Longest wait that is worth announcing: podman and skopeo sleep through it four times. */
const maxRetryAfterSeconds = 60

/** How a client is best told (clients.md, section 8). */
export interface Audience {
  /** A client with another place to go to should go there at once. */
  readonly hasFallback: boolean
  /** dockerd retries a blob for 75 s on 5xx and moves on at once on 404. */
  readonly retriesBlobsFor75s: boolean
  readonly isBlob: boolean
}

export function toClientError(trouble: UpstreamTrouble, audience: Audience): RegistryError {
  if (trouble.reason === 'rate-limited') return tooManyRequests(trouble, audience)
  const { upstream, isOurs } = trouble
  const what = isOurs ? 'cannot be asked' : 'gives no usable answer'
  const message = `${upstream} ${what} (${trouble.message}), and this mirror has no copy: try again later`
  if (audience.isBlob && audience.retriesBlobsFor75s) {
    return new RegistryError('BLOB_UNKNOWN', message, { cause: trouble })
  }
  return new RegistryError('UNAVAILABLE', message, {
    status: trouble.reason === 'timeout' ? 504 : 503,
    cause: trouble,
  })
}

function tooManyRequests(trouble: UpstreamTrouble, audience: Audience): RegistryError {
  const honest = Math.min(
    Math.max(trouble.retryAfterSeconds ?? maxRetryAfterSeconds, 1),
    maxRetryAfterSeconds,
  )
  return new RegistryError(
    'TOOMANYREQUESTS',
    `${trouble.upstream} limits this mirror's pulls (${trouble.message}): wait, or give the mirror credentials`,
    { headers: { 'retry-after': String(audience.hasFallback ? 1 : honest) }, cause: trouble },
  )
}

/** An upstream's own words as they may be repeated: short, on one line. */
export function ownWords(body: string): string {
  try {
    const parsed = JSON.parse(body) as { errors?: { message?: unknown }[]; details?: unknown }
    const message = parsed.errors?.[0]?.message ?? parsed.details
    return typeof message === 'string' && message !== '' ? quote(message) : ''
  } catch {
    return ''
  }
}
