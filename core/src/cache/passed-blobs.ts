import type { Answer } from '../answer.ts'
import type { ByteRange } from '../ports.ts'
import type { RangeRequest } from '../request/byte-range.ts'
import { type BlobDownload, downloadBlob, headBlob } from '../upstream/blobs.ts'
import { UpstreamTrouble } from '../upstream/trouble.ts'
import { part, satisfiable, whole } from './blob-answer.ts'
import type { BlobWanted } from './downloads.ts'
import type { Holdings } from './holdings.ts'
import type { KeepBlob } from './keep-blob.ts'

export interface PassedBlobsOptions {
  readonly holdings: Holdings
  readonly keep: KeepBlob | undefined
}

export interface PassedBlob extends BlobWanted {
  readonly range: RangeRequest | undefined
  readonly waitUntil: (work: Promise<unknown>) => void
}

/**
 * For runtimes where JavaScript must not touch a layer's bytes: the upstream's body is the answer's, as it is,
 * and the client verifies it. What is stored comes by a request of its own, verified by the store.
 */
export function createPassedBlobs(
  options: PassedBlobsOptions,
): (wanted: PassedBlob) => Promise<Answer> {
  const { holdings, keep } = options

  return async (wanted) => {
    const { route, upstream, digest, deadline, knownSize } = wanted
    const question = { repository: route.repository, digest, knownSize, deadline }
    const bytes = await bytesOf(wanted)
    const download = await downloadBlob(upstream, question, bytes)
    if (knownSize === undefined) await holdings.note(route, digest, { kind: 'blob' })
    const size = download.size ?? knownSize
    if (keep && size !== undefined) wanted.waitUntil(keep({ ...wanted, knownSize: size }))
    const given = bytes && givenOf(download)
    if (!given) return whole(digest, size, download.body, 'pass')
    if (given.last > bytes.last) {
      await download.body.cancel().catch(() => undefined)
      throw new UpstreamTrouble(upstream.config.name, 'server-error', 'it sent another range')
    }
    return part(digest, given, size ?? bytes.size, download.body, 'partial')
  }
}

/** Undefined for the whole, and where nobody tells how long the whole is. */
async function bytesOf(wanted: PassedBlob): Promise<(ByteRange & { size: number }) | undefined> {
  const { route, upstream, digest, deadline, knownSize, range } = wanted
  if (!range) return undefined
  const question = { repository: route.repository, digest, deadline }
  const size = knownSize ?? (await headBlob(upstream, question)).size
  return size === undefined ? undefined : { ...satisfiable(range, size), size }
}

/** Undefined where the upstream ignored the range: the whole answers it as well (RFC 9110, section 14.2). */
function givenOf({ position, last }: BlobDownload): ByteRange | undefined {
  return last === undefined ? undefined : { first: position, last }
}
