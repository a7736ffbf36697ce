import { type ErrorCode, RegistryError } from '../errors.ts'
import type { Target } from '../request/parse.ts'
import { formatReference } from '../request/reference.ts'
import { discard, readText } from './body.ts'
import { ownWords, UpstreamTrouble } from './trouble.ts'

const troubleOfStatus: ReadonlyMap<number, 'rate-limited' | 'timeout'> = new Map([
  [429, 'rate-limited'],
  [408, 'timeout'],
  [504, 'timeout'],
])

/** The trouble that a status means; undefined when the upstream has really answered. */
export function toAnswerTrouble(response: Response, upstream: string): UpstreamTrouble | undefined {
  const { status } = response
  const reason = troubleOfStatus.get(status) ?? (status >= 500 ? 'server-error' : undefined)
  if (!reason) return undefined
  return new UpstreamTrouble(upstream, reason, `it answered ${String(status)}`, {
    retryAfterSeconds: parseRetryAfter(response.headers),
  })
}

/** What was asked for, for messages. */
export interface Asked {
  readonly upstream: string
  readonly endpoint: URL
  readonly repository: string
  readonly target: Target
}

const codeOfUnknown = {
  manifest: 'MANIFEST_UNKNOWN',
  blob: 'BLOB_UNKNOWN',
  tags: 'NAME_UNKNOWN',
  referrers: 'MANIFEST_UNKNOWN',
} as const satisfies Record<Target['kind'], ErrorCode>

/** Turns an answer without the content into what it means: a RegistryError, or trouble. */
export async function toVerdict(response: Response, from: URL, asked: Asked): Promise<Error> {
  const { status } = response
  const trouble =
    toAnswerTrouble(response, asked.upstream) ??
    (status < 400 || isBlocked(response) || isStorageRefusal(response, from, asked)
      ? new UpstreamTrouble(
          asked.upstream,
          'server-error',
          `${from.host} answered ${String(status)}`,
        )
      : undefined)
  if (trouble) {
    await discard(response)
    return trouble
  }
  const body = await readText(response, 16 * 1024)
  if (status === 401 || status === 403) return denied(asked, ownWords(body))
  if (status === 400 && body.includes('NAME_INVALID')) {
    return new RegistryError(
      'NAME_INVALID',
      `${asked.upstream} takes no repository named ${asked.repository}`,
    )
  }
  const isNameUnknown = body.includes('"NAME_UNKNOWN"') || asked.target.kind === 'tags'
  return new RegistryError(
    isNameUnknown ? 'NAME_UNKNOWN' : codeOfUnknown[asked.target.kind],
    `${asked.upstream} has no ${describe(asked)}: check the spelling`,
  )
}

/** A page in front of the registry, not the registry: "Just a moment..." (registries.md, section 0.1). */
function isBlocked(response: Response): boolean {
  return (
    response.status === 403 && (response.headers.get('content-type') ?? '').startsWith('text/html')
  )
}

/** The registry has agreed and redirected; a link to what its storage refuses or has not is broken. */
function isStorageRefusal(response: Response, from: URL, asked: Asked): boolean {
  return (
    asked.target.kind === 'blob' &&
    from.origin !== asked.endpoint.origin &&
    (refusals.has(response.status) || (absences.has(response.status) && !isBlobPath(from)))
  )
}

const refusals: ReadonlySet<number> = new Set([401, 403])
const absences: ReadonlySet<number> = new Set([404, 410])

/** A registry may send on to another registry (registry.k8s.io), whose word on what it has counts as its own. */
function isBlobPath({ pathname }: URL): boolean {
  return /^\/v2\/.+\/blobs\/[^/]+$/.test(pathname)
}

export function denied({ upstream, repository }: Asked, words: string): RegistryError {
  return new RegistryError(
    'DENIED',
    `${upstream} refused ${repository}${words === '' ? '' : ` (${words})`}: it does not exist, or it is private ` +
      'and needs credentials in the mirror’s configuration',
  )
}

function describe({ repository, target }: Asked): string {
  switch (target.kind) {
    case 'manifest':
      return `${repository}${target.reference.type === 'tag' ? ':' : '@'}${formatReference(target.reference)}`
    case 'blob':
    case 'referrers':
      return `${repository}@${target.digest}`
    case 'tags':
      return repository
  }
}

/** Seconds. A date counts from the answer's own, and so does a reset that is an epoch: no clock but theirs. */
function parseRetryAfter(headers: Headers): number | undefined {
  const answeredAt = parseDate(headers.get('date'))
  const header = headers.get('retry-after')
  const seconds = toSeconds(header, 9) ?? parseDate(header) - answeredAt
  if (Number.isFinite(seconds)) return Math.max(0, seconds)
  const reset = toSeconds(headers.get('ratelimit-reset') ?? headers.get('x-ratelimit-reset'), 10)
  if (reset === undefined || reset < 1e9) return reset
  return Number.isFinite(answeredAt) ? Math.max(0, reset - answeredAt) : undefined
}

/** NaN where it is no date as HTTP writes it; in seconds. */
function parseDate(header: string | null): number {
  return header?.endsWith(' GMT') === true ? Date.parse(header) / 1000 : NaN
}

function toSeconds(header: string | null, maxDigits: number): number | undefined {
  const digits = header?.trim() ?? ''
  return /^\d+$/.test(digits) && digits.length <= maxDigits ? Number(digits) : undefined
}
