export { createS3BlobStore, type S3BlobStore } from './blob-store.ts'
export type { BucketOptions } from './address.ts'
export type { S3Options } from './client.ts'
export { S3Error } from './error.ts'
