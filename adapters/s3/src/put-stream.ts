import type { Digest } from '@pullway/core'
import { readText } from './body.ts'
import type { S3Client } from './client.ts'
import { S3Error } from './error.ts'
import { uploadLimitMs } from './upload.ts'

/** The blob can be written, but not as a stream that the service verifies. */
export class StreamRefused extends Error {
  override readonly name = 'StreamRefused'
}

/** What one PUT may have (S3, "Uploading objects"). */
const largestPutBytes = 5 * 1024 ** 3

/**
 * MissingContentLength and NotImplemented: the runtime has sent the stream in chunks, without the length that it
 * was told. https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 */
const refusals: ReadonlySet<number> = new Set([411, 501])

export async function putStream(
  client: S3Client,
  digest: Digest,
  body: ReadableStream<Uint8Array>,
  size: number,
): Promise<void> {
  const [algorithm, hex = ''] = digest.split(':')
  // Of an empty body some runtimes send no length.
  if (algorithm !== 'sha256' || size === 0 || size > largestPutBytes) {
    await body.cancel().catch(() => undefined)
    throw new StreamRefused(`S3 verifies no ${algorithm} of ${size} bytes in one PUT`)
  }
  try {
    await client.ask(
      {
        method: 'PUT',
        key: client.keyOf(digest),
        headers: {
          'content-type': 'application/octet-stream',
          'content-length': `${size}`,
          // S3 refuses a body of another hash, and of another length.
          'x-amz-content-sha256': hex,
        },
        body,
        accepts: [200],
        limitMs: uploadLimitMs,
        isRepeatable: false,
      },
      readText,
    )
  } catch (error) {
    if (error instanceof S3Error && !refusals.has(error.status)) throw error
    // Also where the connection broke: parts are sent again, a stream is not, and who refuses early may hang up.
    throw new StreamRefused(`S3 did not take the stream: ${String(error)}`, { cause: error })
  }
}
