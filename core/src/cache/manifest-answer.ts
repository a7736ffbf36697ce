import type { Answer } from '../answer.ts'
import { RegistryError } from '../errors.ts'
import type { AcceptedTypes } from '../request/accept.ts'
import { etagOf, isNotModified } from '../request/conditional.ts'
import { formatReference, type Reference } from '../request/reference.ts'
import type { Route } from '../route.ts'
import type { ManifestFound } from './manifests.ts'

export interface ManifestAsked {
  readonly route: Route
  readonly reference: Reference
  readonly accepted: AcceptedTypes
  readonly headers: Headers
}

/** What was found, as this client takes it; 404 where it takes no such type. */
export function toManifestAnswer(
  found: ManifestFound,
  { route, reference, accepted, headers }: ManifestAsked,
): Answer {
  if (!accepted.accepts(found.mediaType)) {
    discardContent(found)
    throw new RegistryError(
      'MANIFEST_UNKNOWN',
      `${route.repository} has ${formatReference(reference)} as ${found.mediaType}: add that type to the Accept header`,
    )
  }
  const isUnchanged = isNotModified(headers.get('if-none-match'), found.digest)
  return {
    status: isUnchanged ? 304 : 200,
    headers: {
      'content-type': found.mediaType,
      'content-length': String(found.size),
      'docker-content-digest': found.digest,
      etag: etagOf(found.digest),
    },
    body: found.content ?? null,
    outcome: found.outcome,
  }
}

function discardContent({ content }: ManifestFound): void {
  if (content instanceof ReadableStream) void content.cancel().catch(() => undefined)
}
