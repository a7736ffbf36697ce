import { RegistryError } from '../errors.ts'
import type { ByteRange, Digest } from '../ports.ts'
import { parseContentRange } from '../request/byte-range.ts'
import { discard } from './body.ts'
import { UpstreamTrouble } from './trouble.ts'
import type { Blame } from './question.ts'
import type { Upstream } from './upstream.ts'

/** Bytes of a blob as they come from upstream, not verified. */
export interface BlobDownload {
  readonly body: ReadableStream<Uint8Array>
  /** Position of the body's first byte: 0 where the upstream ignored the range. */
  readonly position: number
  /** Position of the body's last byte, where the upstream has sent a part. */
  readonly last?: number
  /** The whole blob's size; undefined where the upstream does not say. */
  readonly size: number | undefined
  /** Tells that the body was no good, so that others are asked instead of who sent it. */
  readonly blame: Blame
}

export interface BlobQuestion {
  readonly repository: string
  readonly digest: Digest
  readonly deadline: number
  /** Of the whole blob, where a manifest has told it: who announces another sends something else. */
  readonly knownSize?: number | undefined
}

export async function downloadBlob(
  upstream: Upstream,
  question: BlobQuestion,
  range?: ByteRange,
): Promise<BlobDownload> {
  const { repository, digest, deadline, knownSize } = question
  return upstream.ask(
    {
      method: 'GET',
      repository,
      target: { kind: 'blob', digest },
      deadline,
      // Closed, not open: some registries answer 416 to `bytes=N-` (registries.md, section 1.4).
      headers: range ? { range: `bytes=${String(range.first)}-${String(range.last)}` } : {},
      alsoTake: range ? [206] : [],
    },
    async (response, _, __, blame) => {
      const wrong = async (what: string): Promise<UpstreamTrouble> => {
        await discard(response)
        return new UpstreamTrouble(upstream.config.name, 'server-error', what)
      }
      const given = toGiven(response, range)
      if (!given) throw await wrong('it sent another range than the one asked for')
      const { size = knownSize } = given
      if (knownSize !== undefined && size !== knownSize)
        throw await wrong(`it sends ${String(size)} bytes for a blob of ${String(knownSize)}`)
      return { ...given, size, body: response.body ?? new Blob([]).stream(), blame }
    },
  )
}

/** May mean the HEAD alone, so they are no failure of the endpoint yet. */
const headRefusals = [401, 403, 405, 501]

/** Asks whether a repository holds a blob, moving none of its bytes. */
export async function headBlob(
  upstream: Upstream,
  question: BlobQuestion,
): Promise<{ readonly size: number | undefined }> {
  const { repository, digest, deadline } = question
  const target = { kind: 'blob', digest } as const
  try {
    const size = await upstream.ask(
      { method: 'HEAD', repository, target, deadline, alsoTake: headRefusals },
      ({ status, headers }) => (status === 200 ? parseLength(headers) : undefined),
    )
    if (size !== undefined) return { size }
  } catch (error) {
    if (!mayBeHeadOnly(error)) throw error
  }
  return headByRange(upstream, question)
}

/**
 * Storage refuses HEAD on a link signed for GET, public.ecr.aws refuses every HEAD of a blob, others leave
 * out the length: one byte tells as much (registries.md, section 0.8).
 */
async function headByRange(
  upstream: Upstream,
  { repository, digest, deadline }: BlobQuestion,
): Promise<{ size: number | undefined }> {
  const headers = { range: 'bytes=0-0' }
  return upstream.ask(
    {
      method: 'GET',
      repository,
      target: { kind: 'blob', digest },
      deadline,
      headers,
      alsoTake: [206, 416],
    },
    async (response) => {
      await discard(response)
      if (response.status === 200) return { size: parseLength(response.headers) }
      // An empty blob has no first byte.
      if (response.status === 416) return { size: 0 }
      return { size: parseContentRange(response.headers.get('content-range'))?.size }
    },
  )
}

const refusals: ReadonlySet<string> = new Set(['DENIED', 'UNAUTHORIZED'])

function mayBeHeadOnly(error: unknown): boolean {
  if (error instanceof RegistryError) return refusals.has(error.code)
  return error instanceof UpstreamTrouble && error.reason === 'server-error'
}

function parseLength(headers: Headers): number | undefined {
  const length = headers.get('content-length')
  return length !== null && /^\d{1,15}$/.test(length) ? Number(length) : undefined
}

/** From where on an answer has the blob, and how long that is as a whole. */
function toGiven(
  { status, headers }: Response,
  range: ByteRange | undefined,
): Pick<BlobDownload, 'position' | 'last' | 'size'> | undefined {
  if (status === 200) return { position: 0, size: parseLength(headers) }
  const given = parseContentRange(headers.get('content-range'))
  return given && given.first === range?.first
    ? { position: given.first, last: given.last, size: given.size }
    : undefined
}
