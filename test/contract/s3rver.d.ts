/** What the tests use of s3rver, which has no types. */
declare module 's3rver' {
  import type { IncomingMessage, ServerResponse } from 'node:http'

  interface StoredObject {
    readonly bucket: string
    readonly key: string
    readonly content: AsyncIterable<Buffer>
    readonly metadata: Readonly<Record<string, string>>
  }

  interface Received {
    readonly size: number
    readonly md5: string
  }

  interface Store {
    getResourcePath(bucket: string, key: string | undefined, resource: string): string
    putMetadata(bucket: string, key: string, metadata: object, md5: string): Promise<void>
    putObject(object: StoredObject): Promise<Received>
    putPart(
      bucket: string,
      uploadId: string,
      partNumber: string,
      content: AsyncIterable<Buffer>,
    ): Promise<Received>
    getObject(
      bucket: string,
      key: string,
      options: { readonly start?: number; readonly end?: number | string },
    ): Promise<unknown>
  }

  export default class S3rver {
    readonly store: Store
    constructor(options: {
      readonly directory: string
      readonly silent: boolean
      readonly vhostBuckets?: boolean
      readonly configureBuckets?: readonly { readonly name: string }[]
    })
    configureBuckets(): Promise<unknown>
    callback(): (request: IncomingMessage, response: ServerResponse) => Promise<void>
  }
}
