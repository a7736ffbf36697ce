import type { Answer } from '../answer.ts'
import { RegistryError } from '../errors.ts'
import type { Digest } from '../ports.ts'
import { emptyIndexType } from '../request/accept.ts'
import type { Pull } from '../request/parse.ts'
import { isDigest } from '../request/reference.ts'
import type { Route } from '../route.ts'
import { discard, readBytes } from '../upstream/body.ts'
import { maxManifestBytes } from '../upstream/manifests.ts'
import type { Upstream } from '../upstream/upstream.ts'

export interface ReferrersPull {
  readonly pull: Pull
  readonly route: Route
  readonly upstream: Upstream
  readonly digest: Digest
  readonly deadline: number
  /** Fetches the manifest of a tag, through the cache; undefined where there is none. */
  readonly findTag: (
    tag: string,
  ) => Promise<{ digest: Digest; bytes: Uint8Array<ArrayBuffer> } | undefined>
}

interface Referrer {
  readonly artifactType?: unknown
  readonly digest?: unknown
}

/**
 * What refers to a manifest (distribution specification, "Listing Referrers"): the upstream's own list, else
 * the one under the fallback tag (its "Referrers Tag Schema"), else an empty one.
 */
export async function listReferrers(wanted: ReferrersPull): Promise<Answer> {
  const listed = await askUpstream(wanted)
  if (listed) return toAnswer(listed.bytes, listed.filtersApplied)
  const artifactType = new URLSearchParams(wanted.pull.query).get('artifactType')
  const referrers = await fromFallbackTag(wanted)
  const manifests = referrers.filter(
    (one) => artifactType === null || one.artifactType === artifactType,
  )
  const index = { schemaVersion: 2, mediaType: emptyIndexType, manifests }
  return toAnswer(
    new TextEncoder().encode(JSON.stringify(index)),
    artifactType === null ? undefined : 'artifactType',
  )
}

async function askUpstream({
  pull,
  route,
  upstream,
  digest,
  deadline,
}: ReferrersPull): Promise<
  { bytes: Uint8Array<ArrayBuffer>; filtersApplied: string | undefined } | undefined
> {
  try {
    return await upstream.ask(
      {
        method: 'GET',
        repository: route.repository,
        target: { kind: 'referrers', digest },
        deadline,
        query: pull.query,
        headers: { accept: emptyIndexType },
        // ghcr.io sends people to a web page; registry.k8s.io sends clients to another registry.
        follow: (_, to) => to.pathname.endsWith(`/referrers/${digest}`),
        alsoTake: [301, 302, 303, 307, 308],
      },
      async (response, signal) => {
        const type = response.headers.get('content-type')?.split(';')[0]?.trim()
        if (response.status !== 200 || type !== emptyIndexType) {
          await discard(response)
          return undefined
        }
        const bytes = await readBytes(response, maxManifestBytes, signal)
        if (!bytes || !parseReferrers(bytes)) return undefined
        return { bytes, filtersApplied: response.headers.get('oci-filters-applied') ?? undefined }
      },
    )
  } catch (error) {
    if (isUnknown(error)) return undefined
    throw error
  }
}

async function fromFallbackTag({ digest, findTag }: ReferrersPull): Promise<readonly Referrer[]> {
  const found = await findTag(digest.replace(':', '-')).catch((error: unknown) => {
    if (isUnknown(error)) return undefined
    throw error
  })
  // GitLab resolves the fallback tag to the subject itself (registries.md, section 1.6).
  if (!found || found.digest === digest) return []
  return parseReferrers(found.bytes) ?? []
}

/** The descriptors of an index; undefined for anything else. */
function parseReferrers(bytes: Uint8Array): readonly Referrer[] | undefined {
  try {
    const index = JSON.parse(new TextDecoder().decode(bytes)) as {
      mediaType?: unknown
      manifests?: unknown
    }
    if (!Array.isArray(index.manifests) || (index.mediaType ?? emptyIndexType) !== emptyIndexType)
      return undefined
    const referrers = index.manifests as (Referrer | null)[]
    return referrers.filter(
      (one): one is Referrer => typeof one?.digest === 'string' && isDigest(one.digest),
    )
  } catch {
    return undefined
  }
}

function isUnknown(error: unknown): boolean {
  return error instanceof RegistryError && (error.status === 404 || error.status === 400)
}

function toAnswer(bytes: Uint8Array<ArrayBuffer>, filtersApplied: string | undefined): Answer {
  const headers: Record<string, string> = {
    'content-type': emptyIndexType,
    'content-length': String(bytes.byteLength),
  }
  if (filtersApplied !== undefined) headers['oci-filters-applied'] = filtersApplied
  return { status: 200, headers, body: bytes, outcome: 'pass' }
}
