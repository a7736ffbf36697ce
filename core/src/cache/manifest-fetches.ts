import type { Outcome } from '../answer.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { CreateHasher } from '../ports.ts'
import { formatReference, type Reference } from '../request/reference.ts'
import {
  type FetchedManifest,
  fetchManifest,
  type ManifestQuestion,
} from '../upstream/manifests.ts'
import { createKeepManifest, type KeepManifestOptions } from './keep-manifest.ts'
import type { ManifestFound, ManifestPull } from './manifests.ts'
import { createSingleFlight } from './single-flight.ts'

export interface ManifestFetchesOptions extends KeepManifestOptions {
  readonly createHasher: CreateHasher
  readonly metrics: Metrics
}

/** Manifests from upstream into the store: one fetch, however many clients want the same. */
export function createManifestFetches(
  options: ManifestFetchesOptions,
): (pull: ManifestPull, reference: Reference) => Promise<ManifestFound> {
  const { createHasher, metrics } = options
  const keep = createKeepManifest(options)
  const fetches = createSingleFlight<FetchedManifest>()

  return async (pull, reference) => {
    const { route, upstream } = pull
    let outcome: Outcome = 'miss'
    const work = async (): Promise<FetchedManifest> => {
      const fetched = await fetchManifest(upstream, createHasher, { ...question(pull), reference })
      await keep(route, fetched)
      return fetched
    }
    const manifest = await fetches.run(keyOf(pull, reference), work, () => {
      outcome = 'collapsed'
      metrics.coalesced.add(1)
    })
    const { digest, mediaType, bytes } = manifest
    return { digest, mediaType, size: bytes.byteLength, content: bytes, outcome }
  }
}

export function question({ route, reference, accepted, deadline }: ManifestPull): ManifestQuestion {
  return { repository: route.repository, reference, accepted, deadline }
}

export function keyOf({ route, upstream, accepted }: ManifestPull, reference: Reference): string {
  // A digest names one content, whatever the client takes.
  const accept = reference.type === 'digest' ? '' : accepted.key
  return `${route.upstream.name}/${route.repository}@${formatReference(reference)}#${accept}#${upstream.askerKey}`
}
