import type { Answer } from '../answer.ts'
import { RegistryError } from '../errors.ts'
import type { PresignBlob } from '../ports.ts'
import { headBlob } from '../upstream/blobs.ts'
import { linkToBlob } from '../upstream/link.ts'
import { etagOf } from '../request/conditional.ts'
import type { BlobWanted } from './downloads.ts'
import { type Delivery, wantsLink } from './delivery.ts'
import type { KeepBlob } from './keep-blob.ts'
import type { ForgivingStore } from './store.ts'

export interface LinkedBlobsOptions {
  readonly store: ForgivingStore
  readonly presign: PresignBlob | undefined
  readonly delivery: Delivery
  /** Fills the store behind a link of the upstream's, so that the next link is our own. */
  readonly keep: KeepBlob | undefined
}

export interface LinkedBlob extends BlobWanted {
  /** The client's address is a secret, which it would tell where a link leads. */
  readonly isSecret?: boolean
  readonly waitUntil: (work: Promise<unknown>) => void
}

/** Answers with a link to a blob's bytes, where that is wanted and there is one; undefined otherwise. */
export function createLinkedBlobs({
  store,
  presign,
  delivery,
  keep,
}: LinkedBlobsOptions): (wanted: LinkedBlob) => Promise<Answer | undefined> {
  return async (wanted) => {
    const { route, upstream, digest, deadline, knownSize } = wanted
    const question = { repository: route.repository, digest, deadline }
    const configured = route.upstream.blobs
    const isNeverLinked = delivery.maxStreamBytes === undefined
    if (isNeverLinked && wantsLink(configured, delivery, 0) === 'no') return undefined
    const stat = await store.stat(digest)
    const size =
      stat?.size ??
      knownSize ??
      (isNeverLinked ? undefined : (await headBlob(upstream, question)).size)
    const wish = wantsLink(configured, delivery, size)
    // Go's clients name the address that sent them, as the Referer.
    if (wish === 'no' || (wish === 'rather' && wanted.isSecret)) return undefined
    const own = stat && (await presign?.(digest, linkSecondsFor(stat.size)))
    if (own) return redirectTo(own, wanted)
    if (stat && wish === 'rather') return undefined
    const link = wanted.isSecret ? undefined : await linkToBlob(upstream, question)
    if (link) {
      if (keep && !stat) wanted.waitUntil(keep(wanted))
      return redirectTo(link, wanted)
    }
    if (wish === 'rather') return undefined
    throw new RegistryError(
      'UNSUPPORTED',
      `${digest} has ${String(size)} bytes, more than this platform sends, and ${upstream.config.name} gives no ` +
        'link to it: pull it through a mirror on a server',
      { status: 404 },
    )
  }
}

const shortestLinkSeconds = 20 * 60
const longestLinkSeconds = 6 * 3600
const slowBytesPerSecond = 1_000_000

/**
 * Storage looks at a link's age when a request begins. So a link lives as long as a slow client needs, and can
 * resume with it; whoever comes later asks us for a new one.
 */
function linkSecondsFor(size: number): number {
  const slow = Math.ceil(size / slowBytesPerSecond)
  return Math.min(longestLinkSeconds, Math.max(shortestLinkSeconds, slow))
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
