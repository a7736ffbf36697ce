import type { Answer, Outcome } from '../answer.ts'
import { RegistryError } from '../errors.ts'
import type { ByteRange, Digest } from '../ports.ts'
import { formatContentRange, type RangeRequest, resolveByteRange } from '../request/byte-range.ts'
import { etagOf } from '../request/conditional.ts'

/** The bytes of a range; throws the 416 where there are none. */
export function satisfiable(range: RangeRequest, size: number): ByteRange {
  const bytes = resolveByteRange(range, size)
  if (bytes) return bytes
  throw new RegistryError(
    'RANGE_INVALID',
    `the blob has ${String(size)} bytes: ask for a range within them`,
    {
      headers: { 'content-range': `bytes */${String(size)}`, 'accept-ranges': 'bytes' },
    },
  )
}

/** `size`: undefined where it is not known yet; the body then ends where the connection says so. */
export function whole(
  digest: Digest,
  size: number | undefined,
  body: Answer['body'],
  outcome: Outcome,
): Answer {
  const headers = headersOf(digest)
  if (size !== undefined) headers['content-length'] = String(size)
  return { status: 200, headers, body, outcome }
}

export function part(
  digest: Digest,
  range: ByteRange,
  size: number,
  body: Answer['body'],
  outcome: Outcome,
): Answer {
  const headers = headersOf(digest)
  headers['content-length'] = String(range.last + 1 - range.first)
  headers['content-range'] = formatContentRange(range, size)
  return { status: 206, headers, body, outcome }
}

function headersOf(digest: Digest): Record<string, string> {
  return {
    'content-type': 'application/octet-stream',
    'docker-content-digest': digest,
    etag: etagOf(digest),
    'accept-ranges': 'bytes',
  }
}
