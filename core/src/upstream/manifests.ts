import { type ParsedManifest, parseManifest } from '../cache/manifest.ts'
import type { CreateHasher, Digest } from '../ports.ts'
import { type AcceptedTypes, everything } from '../request/accept.ts'
import { algorithmOf, isDigest, type Reference } from '../request/reference.ts'
import { readBytes } from './body.ts'
import { UpstreamTrouble } from './trouble.ts'
import type { Upstream } from './upstream.ts'

export interface ManifestQuestion {
  readonly repository: string
  readonly reference: Reference
  readonly accepted: AcceptedTypes
  readonly deadline: number
}

export interface FetchedManifest extends ParsedManifest {
  readonly digest: Digest
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** Distribution specification, "Pushing Manifests": registries should take at least, and clients take at most, 4 MiB. */
export const maxManifestBytes: number = 4 * 1024 * 1024

/** Fetches a manifest and checks its bytes against every digest that is known of them. */
export async function fetchManifest(
  upstream: Upstream,
  createHasher: CreateHasher,
  question: ManifestQuestion,
): Promise<FetchedManifest> {
  const { reference } = question
  return upstream.ask({ method: 'GET', ...toQuestion(question) }, async (response, signal) => {
    const bytes = await readBytes(response, maxManifestBytes, signal)
    if (!bytes) throw unusable(upstream, 'a manifest of more than 4 MiB')
    const parsed = parseManifest(bytes, response.headers.get('content-type'))
    if (!parsed) throw unusable(upstream, 'something that is no manifest')
    const digest =
      expectedDigest(reference, response.headers) ?? digestOf(bytes, 'sha256', createHasher)
    if (digestOf(bytes, algorithmOf(digest), createHasher) !== digest) {
      throw unusable(upstream, 'a manifest with wrong bytes')
    }
    return { ...parsed, digest, bytes }
  })
}

/** Asks what a reference means; undefined where the answer lacks what a client must be told. */
export async function headManifest(
  upstream: Upstream,
  question: ManifestQuestion,
): Promise<
  { readonly digest: Digest; readonly mediaType: string; readonly size: number } | undefined
> {
  return upstream.ask({ method: 'HEAD', ...toQuestion(question) }, ({ headers }) => {
    const digest = expectedDigest(question.reference, headers)
    const mediaType = headers.get('content-type')?.split(';')[0]?.trim()
    const size = headers.get('content-length') ?? ''
    if (!digest || !mediaType?.startsWith('application/vnd.') || !/^\d{1,15}$/.test(size))
      return undefined
    return { digest, mediaType, size: Number(size) }
  })
}

function toQuestion({ repository, reference, accepted, deadline }: ManifestQuestion) {
  const target = { kind: 'manifest', reference } as const
  const { header } = reference.type === 'digest' ? everything : accepted
  return { repository, target, deadline, headers: { accept: header } }
}

function expectedDigest(reference: Reference, headers: Headers): Digest | undefined {
  if (reference.type === 'digest') return reference.digest
  const stated = headers.get('docker-content-digest')
  return stated !== null && isDigest(stated) ? stated : undefined
}

function digestOf(
  bytes: Uint8Array,
  algorithm: 'sha256' | 'sha512',
  createHasher: CreateHasher,
): Digest {
  const hasher = createHasher(algorithm)
  hasher.update(bytes)
  return `${algorithm}:${hasher.hex()}`
}

function unusable(upstream: Upstream, what: string): UpstreamTrouble {
  return new UpstreamTrouble(upstream.config.name, 'server-error', `it sent ${what}`)
}
