import { describe, expect, test } from 'vitest'
import { createBucket } from '../../adapters/s3/src/address.ts'
import { put, read } from './blob-store.ts'
import { digestOf, makeBytes } from './content.ts'
import { startS3 } from './s3-support.ts'

const bytes = makeBytes(100)
const digest = digestOf(bytes)
const hex = digest.slice('sha256:'.length)
const key = `blobs/sha256/${hex.slice(0, 2)}/${hex}`
const endpoint = 'https://s3.example'
const bucket = 'blobs-1'

describe('an object is at', () => {
  test.each([
    { options: {}, url: `https://blobs-1.s3.example/${key}` },
    { options: { forcePathStyle: true }, url: `https://s3.example/blobs-1/${key}` },
    { options: { prefix: 'a/b/' }, url: `https://blobs-1.s3.example/a/b/${key}` },
    { options: { prefix: 'a' }, url: `https://blobs-1.s3.example/a${key}` },
    { options: { endpoint: 'http://10.0.0.1:9000' }, url: `http://10.0.0.1:9000/blobs-1/${key}` },
    { options: { endpoint: 'http://[::1]:9000/' }, url: `http://[::1]:9000/blobs-1/${key}` },
    { options: { endpoint: 'http://localhost' }, url: `http://localhost/blobs-1/${key}` },
    { options: { endpoint: 'https://h.example/s3/' }, url: `https://blobs-1.h.example/s3/${key}` },
    { options: { bucket: 'a.b' }, url: `https://s3.example/a.b/${key}` },
    { options: { bucket: 'Old_Name' }, url: `https://s3.example/Old_Name/${key}` },
    {
      options: { bucket: 'a.b', forcePathStyle: false },
      url: `https://a.b.s3.example/${key}`,
    },
  ])('$url', ({ options, url }) => {
    const at = createBucket({ endpoint, bucket, ...options })
    expect(at.urlOf(at.keyOf(digest)).href).toBe(url)
  })
})

describe('refused', () => {
  test.each([
    ...['', 'ab', '-ab', 'ab-', '.ab', 'a..b', 'a/b', 'a b', 'a?b', 'a#b', 'a%2eb', 'a@b', 'ä-b'],
    ...['a:b', '../', 'a\r\nb', 'a'.repeat(256)],
  ])('the bucket %j', (bucket) => {
    expect(() => createBucket({ endpoint, bucket })).toThrow(TypeError)
  })

  test.each([
    ...[
      '/',
      '/a/',
      'a//b/',
      '../',
      './',
      'a/../',
      'a/./b',
      'a\r\nb/',
      'a\0/',
      '\ud800/',
      '\u0085/',
    ],
    ...['a'.repeat(801), 'ä'.repeat(401)],
  ])('the prefix %j', (prefix) => {
    expect(() => createBucket({ endpoint, bucket, prefix })).toThrow(TypeError)
  })

  test.each([
    ...['', 's3.example', 'ftp://s3.example', 'file:///etc', 'https://', 'javascript:1'],
    ...['https://user:secret@s3.example', 'https://s3.example/?a=1', 'https://s3.example/#a'],
  ])('the endpoint %j, which the message does not repeat', (endpoint) => {
    const create = () => createBucket({ endpoint, bucket })
    expect(create).toThrow(TypeError)
    expect(create).not.toThrow('secret')
  })
})

describe('a key that must be escaped is signed and found', () => {
  test.each([
    'plain/',
    'no-slash',
    'two words/',
    'a+b=c&d/',
    '50%/',
    '%2F%2e%2e/',
    'what?/#here/',
    "it's (1) *!/",
    'a:b@c;d,$/',
    '~tilde._-/',
    '"<>\\^`{|}/',
    'größe/日本/🐳/',
    '...x/..y/z../',
  ])('%s', async (prefix) => {
    const { store, connect } = await startS3({ prefix })
    await put(store, digest, bytes)
    expect(await read(store, digest)).toEqual(bytes)
    expect(await connect({ prefix: 'other/' }).stat(digest)).toBeUndefined()
    const link = await store.presign(digest, 60)
    expect((await fetch(link)).status).toBe(200)
  })
})
