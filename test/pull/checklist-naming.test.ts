import { describe, expect, test } from 'vitest'
import { mediaTypes } from '../fakes/registry/index.ts'
import { ghcrImage, hubImage, ownImage, settle } from './checklist.ts'

/** clients.md, section 10, items 1 to 3. */

describe('1. prefix, ns, Host, default', () => {
  const rows = [
    ['/v2/app/manifests/latest', hubImage],
    ['/v2/library/app/manifests/latest', hubImage],
    ['/v2/docker.io/app/manifests/latest', hubImage],
    ['/v2/docker.io/library/app/manifests/latest', hubImage],
    ['/docker.io/v2/app/manifests/latest', hubImage],
    ['/v2/app/manifests/latest?ns=docker.io', hubImage],
    ['/v2/library/app/manifests/latest?ns=registry-1.docker.io', hubImage],
    ['/v2/library/app/manifests/latest?ns=index.docker.io', hubImage],
    ['http://registry-1.docker.io/v2/library/app/manifests/latest', hubImage],
    ['http://index.docker.io/v2/app/manifests/latest', hubImage],
    ['/v2/ghcr.io/owner/app/manifests/latest', ghcrImage],
    ['/ghcr.io/v2/owner/app/manifests/latest', ghcrImage],
    ['/v2/owner/app/manifests/latest?ns=ghcr.io', ghcrImage],
    ['/v2/ghcr.io/owner/app/manifests/latest?ns=ghcr.io', ghcrImage],
    ['/ghcr.io/v2/owner/app/manifests/latest?ns=ghcr.io', ghcrImage],
    ['/v2/ghcr.io/owner/app/manifests/latest?ns=docker.io', ghcrImage],
    ['http://ghcr.io/v2/owner/app/manifests/latest', ghcrImage],
    ['http://ghcr.io/v2/owner/app/manifests/latest?ns=docker.io', hubImage],
    ['http://ghcr.io.mirror.test/v2/owner/app/manifests/latest', ghcrImage],
    ['/v2/owner/app/manifests/latest?ns=registry.test:8443', ownImage],
    ['/v2/owner/app/manifests/latest?ns=registry.test%3A8443', ownImage],
    ['/v2/own/owner/app/manifests/latest', ownImage],
    ['/own/v2/owner/app/manifests/latest', ownImage],
    ['http://own.mirror.test/v2/owner/app/manifests/latest', ownImage],
    ['http://registry-1.docker.io/v2/ghcr.io/owner/app/manifests/latest', ghcrImage],
  ] as const

  test.each(rows)('%s', async (path, image) => {
    const { mirror } = settle()
    const answer = await mirror.get(path)
    expect([answer.status, answer.headers.get('docker-content-digest')]).toEqual([
      200,
      image.root.digest,
    ])
  })
})

describe('2. Accept', () => {
  const four = [
    mediaTypes.ociIndex,
    mediaTypes.dockerList,
    mediaTypes.ociManifest,
    mediaTypes.dockerManifest,
  ]

  test('in whatever order, and with application/json or */*, gives the same, from one request', async () => {
    const { hub, mirror } = settle()
    const accepts = [
      four.join(', '),
      [...four].reverse().join(','),
      [...four.slice(2), 'application/json', ...four.slice(0, 2)].join(' , '),
      `${mediaTypes.dockerSchema1}, ${four.join(', ')}, */*`,
      '*/*',
      'application/json',
      four.map((type) => `${type};q=0.5`).join(', '),
      four.join(', ').toUpperCase(),
      '',
    ]
    for (const accept of accepts) {
      const answer = await mirror.get('/v2/app/manifests/latest', accept === '' ? {} : { accept })
      expect(answer.headers.get('content-type'), accept).toBe(mediaTypes.ociIndex)
      expect(answer.headers.get('docker-content-digest')).toBe(hubImage.root.digest)
    }
    expect(hub.pullsUsed).toBe(1)
  })

  test('that lacks the type there is gets none of it', async () => {
    const { mirror } = settle()
    for (const accept of [mediaTypes.dockerManifest, mediaTypes.ociManifest, 'text/html']) {
      for (const path of [
        '/v2/app/manifests/latest',
        `/v2/app/manifests/${hubImage.root.digest}`,
      ]) {
        const answer = await mirror.get(path, { accept })
        expect([answer.status, answer.code], accept).toEqual([404, 'MANIFEST_UNKNOWN'])
      }
      await mirror.get('/v2/app/manifests/latest')
    }
  })
})

test('3. HEAD of a manifest is exact, and nothing is compressed', async () => {
  const { mirror } = settle()
  for (const round of ['cold', 'warm']) {
    const headers = { 'accept-encoding': 'gzip, zstd;q=1.0, deflate;q=0.5' }
    const head = await mirror.head('/v2/app/manifests/latest', headers)
    const get = await mirror.get('/v2/app/manifests/latest', headers)
    for (const answer of [head, get]) {
      expect(answer.headers.get('content-type'), round).toBe(mediaTypes.ociIndex)
      expect(answer.headers.get('content-length')).toBe(String(hubImage.root.bytes.length))
      expect(answer.headers.get('docker-content-digest')).toBe(hubImage.root.digest)
      expect(answer.headers.get('content-encoding')).toBeNull()
    }
    expect(head.bytes).toHaveLength(0)
    expect(Buffer.compare(get.bytes, hubImage.root.bytes)).toBe(0)
  }
})
