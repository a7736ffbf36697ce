import { CannotIngest, type IngestBlob } from '@pullway/core'
import { type S3BlobStore, StreamRefused } from '@pullway/s3'

/** The upstream's body is the bucket's, which verifies it: JavaScript does not touch a layer's bytes. */
export function createIngest(store: Pick<S3BlobStore, 'put'>): IngestBlob {
  return async (digest, body, size) => {
    try {
      await store.put(digest, body, size)
    } catch (error) {
      if (!(error instanceof StreamRefused)) throw error
      throw new CannotIngest(error.message, { cause: error })
    }
  }
}
