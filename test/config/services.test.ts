import { parseConfig } from '@pullway/core/config'
import { describe, expect, test } from 'vitest'
import { mistakesOf } from './mistakes-of.ts'

const bucket = `cache:
  blobs:
    driver: s3
    endpoint: https://s3.example.com/
    bucket: images
    accessKeyId: key
    secretAccessKey: \${SECRET}
`

function parse(text: string) {
  return parseConfig(text, { file: 'pullway.yaml', environment: { SECRET: 's/cr+t' } }).cache
}

test('a bucket, with what it does not say', () => {
  expect(parse(bucket).blobs).toEqual({
    driver: 's3',
    endpoint: 'https://s3.example.com',
    bucket: 'images',
    region: 'us-east-1',
    accessKeyId: 'key',
    secretAccessKey: 's/cr+t',
    prefix: '',
  })
  expect(parse(bucket).state).toEqual({ driver: 'memory' })
})

test.each([
  ['cache', 'cache/'],
  ['/a/b/', 'a/b/'],
])('a prefix %j is %j', (given, prefix) => {
  expect(parse(`${bucket}    prefix: ${given}\n`).blobs).toMatchObject({ prefix })
})

test.each([
  ['url: redis://user:p%40ss@127.0.0.1:6379/1', undefined],
  ['url: rediss://redis.example.com', undefined],
  ['url: https://redis.example.com, token: abc', 'abc'],
])('redis by %j', (keys, token) => {
  const { state } = parse(`cache: { state: { driver: redis, ${keys} } }`)
  expect(state).toMatchObject({ driver: 'redis', token })
})

describe('mistakes', () => {
  const blobs = (keys: string): string => `cache: { blobs: { driver: s3, ${keys} } }`
  const complete =
    'endpoint: "https://s3.example.com", bucket: images, accessKeyId: a, secretAccessKey: b'
  test.each([
    [
      'cache: { blobs: { driver: s3 } }',
      ['endpoint', 'bucket', 'accessKeyId', 'secretAccessKey'].map((key) => `cache.blobs.${key}`),
    ],
    [blobs(`${complete}, path: ./data`), ['cache.blobs.path']],
    [blobs(`${complete}, maxSize: 1GiB`), ['cache.blobs.maxSize']],
    [blobs(complete.replace('images', 'a')), ['cache.blobs.bucket']],
    [blobs(complete.replace('images', '../x')), ['cache.blobs.bucket']],
    [blobs(complete.replace('images', 'a..b')), ['cache.blobs.bucket']],
    [blobs(complete.replace('images', '"a/b"')), ['cache.blobs.bucket']],
    [blobs(complete.replace('https', 'ftp')), ['cache.blobs.endpoint']],
    [blobs(complete.replace('.com', '.com/bucket')), ['cache.blobs.endpoint']],
    [blobs(complete.replace('//s3', '//u:p@s3')), ['cache.blobs.endpoint']],
    [blobs(`${complete}, prefix: ../x`), ['cache.blobs.prefix']],
    [blobs(`${complete}, prefix: "a b"`), ['cache.blobs.prefix']],
    [blobs(`${complete}, prefix: /`), ['cache.blobs.prefix']],
    ['cache: { blobs: { bucket: images } }', ['cache.blobs.bucket']],
    ['cache: { state: { driver: redis } }', ['cache.state.url']],
    ['cache: { state: { driver: redis, url: "ftp://h" } }', ['cache.state.url']],
    ['cache: { state: { driver: redis, url: "redis://" } }', ['cache.state.url']],
    ['cache: { state: { driver: redis, url: "redis://a b" } }', ['cache.state.url']],
    ['cache: { state: { driver: memory, url: "redis://h" } }', ['cache.state.url']],
    ['cache: { state: { token: t } }', ['cache.state.token']],
    [`${blobs(complete).slice(0, -1)}, state: { driver: filesystem } }`, ['cache.state.driver']],
  ])('%s', (text, keys) => {
    expect(mistakesOf(text).map(({ key }) => key)).toEqual(keys)
  })

  test('never repeat a secret', () => {
    const text = `cache: { state: { driver: redis, url: "redus://:hunter2@h" } }`
    expect(JSON.stringify(mistakesOf(text))).not.toContain('hunter2')
  })
})
