import type { BlobStore, Digest } from '@pullway/core'
import { contentOf, readExactly, readText } from './body.ts'
import { type Asked, createClient, type S3Options } from './client.ts'
import { S3Error } from './error.ts'
import { createLeftovers } from './leftovers.ts'
import { rangeHeader, spanOf } from './span.ts'
import { putStream } from './put-stream.ts'
import { createWrite } from './write.ts'

export interface S3BlobStore extends BlobStore {
  /** An address that gives the blob to whoever has it, to GET only, with or without a range. */
  presign(digest: Digest, expiresSeconds: number): Promise<URL>
  /**
   * One PUT of a body as it comes, whose bytes nobody here looks at: the service refuses others than the digest
   * names, and less or more. Throws a StreamRefused where the blob or the service does not suit that.
   */
  put(digest: Digest, body: ReadableStream<Uint8Array>, size: number): Promise<void>
}

/** A client of the mirror waits meanwhile. */
const readLimitMs = 5_000
/** A manifest comes as bytes, a layer as a stream. */
const smallBytes = 64 * 1024
/** S3 signs for a week at most. */
const longestExpiry = 7 * 24 * 3600

/**
 * Blobs in a bucket of any S3-compatible service. Content is whole or absent, as S3 promises it; what a
 * process leaves half uploaded is invisible, and a lifecycle rule of the bucket should sweep it
 * (AbortIncompleteMultipartUpload). Without the right to list the bucket, S3 answers 403 instead of 404.
 */
export function createS3BlobStore(options: S3Options): S3BlobStore {
  const client = createClient(options)
  const leftovers = createLeftovers()
  const common = { limitMs: readLimitMs, isRepeatable: true } as const

  function stat(digest: Digest): Promise<{ readonly size: number } | undefined> {
    const key = client.keyOf(digest)
    return client.ask({ ...common, method: 'HEAD', key, accepts: [200, 404] }, async (answer) => {
      await answer.body?.cancel()
      return answer.status === 404 ? undefined : { size: spanOf(answer).size }
    })
  }

  return {
    stat,

    open(digest, range) {
      const key = client.keyOf(digest)
      const request: Asked = {
        ...common,
        method: 'GET',
        key,
        ...(range && { headers: { range: rangeHeader(range) } }),
        accepts: [200, 206, 404, 416],
      }
      return client.ask(request, async (answer) => {
        if (answer.status === 404) return absent(key, answer)
        try {
          const { size, bytes } = spanOf(answer, range)
          const isSmall = bytes <= smallBytes
          return { size, content: isSmall ? await readExactly(answer, bytes) : contentOf(answer) }
        } catch (error) {
          await answer.body?.cancel().catch(() => undefined)
          throw error
        }
      })
    },

    // eslint-disable-next-line @typescript-eslint/require-await -- S3 learns of it with the first part
    async write(digest, size) {
      const sizeOf = async (): Promise<number | undefined> => (await stat(digest))?.size
      return createWrite({ client, digest, sizeOf, leftovers }, size)
    },

    async remove(digest) {
      const key = client.keyOf(digest)
      await client.ask({ ...common, method: 'DELETE', key, accepts: [200, 204, 404] }, readText)
    },

    put: (digest, body, size) => putStream(client, digest, body, size),

    async presign(digest, expiresSeconds) {
      if (!(expiresSeconds >= 1 && expiresSeconds <= longestExpiry)) {
        throw new RangeError(`S3 signs for 1 to ${longestExpiry} seconds, not ${expiresSeconds}`)
      }
      return client.presign(client.keyOf(digest), Math.floor(expiresSeconds))
    },
  }
}

/** Content that is absent is no failure; a bucket that is absent is one. */
async function absent(key: string, answer: Response): Promise<undefined> {
  const text = await readText(answer).catch(() => '')
  const error = new S3Error({ method: 'GET', key }, { status: answer.status, text })
  if (error.code === 'NoSuchBucket') throw error
}
