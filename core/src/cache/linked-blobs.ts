import type { Answer } from '../answer.ts'
import { RegistryError } from '../errors.ts'
import type { PresignBlob } from '../ports.ts'
import { linkToBlob } from '../upstream/link.ts'
import { etagOf } from '../request/conditional.ts'
import type { BlobWanted } from './downloads.ts'
import { type Delivery, wantsLink } from './delivery.ts'
import type { ForgivingStore } from './store.ts'

export interface LinkedBlobsOptions {
  readonly store: ForgivingStore
  readonly presign: PresignBlob | undefined
  readonly delivery: Delivery
}

export interface LinkWanted extends BlobWanted {
  /** The client's address is a secret, which it would tell where a link leads. */
  readonly isSecret?: boolean
}

/** Long enough for a layer on a bad line to begin; a client that resumes asks us for a new link. */
const linkSeconds = 1_200

/** Answers with a link to a blob's bytes, where that is wanted and there is one; undefined otherwise. */
export function createLinkedBlobs({
  store,
  presign,
  delivery,
}: LinkedBlobsOptions): (wanted: LinkWanted) => Promise<Answer | undefined> {
  return async (wanted) => {
    const { route, upstream, digest, deadline, knownSize } = wanted
    const configured = route.upstream.blobs
    const isNeverLinked = delivery.maxStreamBytes === undefined
    if (isNeverLinked && wantsLink(configured, delivery, 0) === 'no') return undefined
    const stat = await store.stat(digest)
    const size = stat?.size ?? knownSize
    const wish = wantsLink(configured, delivery, size)
    // Go's clients name the address that sent them, as the Referer.
    if (wish === 'no' || (wish === 'rather' && wanted.isSecret)) return undefined
    const own = stat && (await presign?.(digest, linkSeconds))
    if (own) return redirectTo(own, wanted)
    if (stat && wish === 'rather') return undefined
    const link = wanted.isSecret
      ? undefined
      : await linkToBlob(upstream, { repository: route.repository, digest, deadline })
    if (link) return redirectTo(link, wanted)
    if (wish === 'rather') return undefined
    throw new RegistryError(
      'UNSUPPORTED',
      `${digest} has ${String(size)} bytes, more than this platform sends, and ${upstream.config.name} gives no ` +
        'link to it: pull it through a mirror on a server',
      { status: 404 },
    )
  }
}

function redirectTo(url: URL, { digest }: BlobWanted): Answer {
  const headers = {
    location: url.href,
    'content-length': '0',
    'docker-content-digest': digest,
    etag: etagOf(digest),
    // The link expires.
    'cache-control': 'no-store',
  }
  return { status: 307, headers, body: null, outcome: 'linked' }
}
