import type { Config, Environment, S3Config } from '@pullway/core/config'

export interface BucketWithKeys extends S3Config {
  readonly sessionToken?: string
}

/**
 * PULLWAY_S3_BUCKET, with the keys that the function's role has for the life of this instance, goes before the
 * configuration's own bucket. Undefined where neither is. Throws what is missing in the environment.
 */
export function findBucket(
  blobs: Config['cache']['blobs'],
  environment: Environment,
): BucketWithKeys | undefined {
  const bucket = environment['PULLWAY_S3_BUCKET'] ?? ''
  if (bucket === '') return blobs.driver === 's3' ? blobs : undefined
  const need = (name: string): string => {
    const value = environment[name] ?? ''
    if (value === '') throw new Error(`PULLWAY_S3_BUCKET is set, and ${name} is not`)
    return value
  }
  const region = need('AWS_REGION')
  const sessionToken = environment['AWS_SESSION_TOKEN'] ?? ''
  return {
    bucket,
    region,
    endpoint: environment['PULLWAY_S3_ENDPOINT'] || `https://s3.${region}.amazonaws.com`,
    accessKeyId: need('AWS_ACCESS_KEY_ID'),
    secretAccessKey: need('AWS_SECRET_ACCESS_KEY'),
    ...(sessionToken === '' ? {} : { sessionToken }),
    prefix: '',
  }
}
