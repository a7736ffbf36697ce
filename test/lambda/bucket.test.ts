import { expect, test } from 'vitest'
import { type BucketWithKeys, findBucket } from '../../adapters/lambda/src/bucket.ts'

type Blobs = Parameters<typeof findBucket>[0]

const role = {
  AWS_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: 'id',
  AWS_SECRET_ACCESS_KEY: 'secret',
  AWS_SESSION_TOKEN: 'session',
}
const ofRole: BucketWithKeys = {
  bucket: 'cache',
  region: 'eu-central-1',
  endpoint: 'https://s3.eu-central-1.amazonaws.com',
  accessKeyId: 'id',
  secretAccessKey: 'secret',
  sessionToken: 'session',
  prefix: '',
}
const files: Blobs = { driver: 'filesystem', path: './data', maxBytes: undefined }
const configured: Blobs = {
  driver: 's3',
  bucket: 'other',
  region: 'auto',
  endpoint: 'https://s3.example',
  accessKeyId: 'key',
  secretAccessKey: 'hidden',
  prefix: 'pullway/',
}

test.each<{ what: string; blobs: Blobs; environment: Record<string, string>; expected: unknown }>([
  { what: 'nothing', blobs: files, environment: role, expected: undefined },
  {
    what: 'an empty name',
    blobs: files,
    environment: { ...role, PULLWAY_S3_BUCKET: '' },
    expected: undefined,
  },
  {
    what: "the kit's bucket",
    blobs: files,
    environment: { ...role, PULLWAY_S3_BUCKET: 'cache' },
    expected: ofRole,
  },
  { what: 'the configuration', blobs: configured, environment: role, expected: configured },
  {
    what: 'the environment over the configuration',
    blobs: configured,
    environment: { ...role, PULLWAY_S3_BUCKET: 'cache' },
    expected: ofRole,
  },
  {
    what: 'another service, keys without a session',
    blobs: files,
    environment: {
      ...role,
      AWS_SESSION_TOKEN: '',
      PULLWAY_S3_BUCKET: 'cache',
      PULLWAY_S3_ENDPOINT: 'http://127.0.0.1:9000',
    },
    expected: { ...ofRole, sessionToken: undefined, endpoint: 'http://127.0.0.1:9000' },
  },
])('the bucket by $what', ({ blobs, environment, expected }) => {
  expect(findBucket(blobs, environment)).toEqual(expected)
})

test.each(['AWS_REGION', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'])('%s is needed', (name) => {
  const environment = { ...role, PULLWAY_S3_BUCKET: 'cache', [name]: '' }
  expect(() => findBucket(files, environment)).toThrow(`${name} is not`)
})
