import { describe, expect, test } from 'vitest'
import { parseRegistryRequest, splitUrl } from '../../../core/src/request/parse.ts'
import { caught } from '../support/caught.ts'

const digest = `sha256:${'a'.repeat(64)}`
const sha512 = `sha512:${'b'.repeat(128)}`

function parse(path: string, init: RequestInit = {}): unknown {
  const url = path.startsWith('http') ? path : `http://mirror.example.com:5000${path}`
  return parseRegistryRequest(new Request(url, init))
}

const latest = { kind: 'manifest', reference: { type: 'tag', tag: 'latest' } }
const plain = {
  method: 'GET',
  prefix: undefined,
  namespace: undefined,
  host: 'mirror.example.com',
  query: '',
  isSecret: false,
}

test.each([
  ['/v2/app/manifests/latest', { name: 'app', target: latest }],
  ['/v2/library/app/manifests/latest', { name: 'library/app', target: latest }],
  ['/v2/ghcr.io/owner/app/manifests/latest', { name: 'ghcr.io/owner/app', target: latest }],
  ['/v2/a/b/c/d/manifests/latest', { name: 'a/b/c/d', target: latest }],
  ['/v2/manifests/manifests/latest', { name: 'manifests', target: latest }],
  ['/v2/blobs/manifests/manifests/latest', { name: 'blobs/manifests', target: latest }],
  ['/v2/v2/manifests/latest', { name: 'v2', target: latest }],
  [`/v2/app/blobs/${digest}`, { name: 'app', target: { kind: 'blob', digest } }],
  [`/v2/app/blobs/${sha512}`, { name: 'app', target: { kind: 'blob', digest: sha512 } }],
  [
    `/v2/app/blobs/${digest.replace(':', '%3A')}`,
    { name: 'app', target: { kind: 'blob', digest } },
  ],
  [
    `/v2/app/manifests/${digest.replace(':', '%3a')}`,
    { name: 'app', target: { kind: 'manifest', reference: { type: 'digest', digest } } },
  ],
  [`/v2/app/referrers/${digest}`, { name: 'app', target: { kind: 'referrers', digest } }],
  ['/v2/app/tags/list', { name: 'app', target: { kind: 'tags' } }],
  ['/v2/tags/list/tags/list', { name: 'tags/list', target: { kind: 'tags' } }],
  ['/hub/v2/app/manifests/latest', { name: 'app', prefix: 'hub', target: latest }],
  ['/ghcr.io/v2/o/app/manifests/latest', { name: 'o/app', prefix: 'ghcr.io', target: latest }],
  [
    '/v2/app/tags/list?n=10&last=a%2Fb',
    { name: 'app', target: { kind: 'tags' }, query: 'n=10&last=a%2Fb' },
  ],
  [
    '/v2/app/tags/list?n=10&ns=ghcr.io&last=x',
    { name: 'app', target: { kind: 'tags' }, query: 'n=10&last=x', namespace: 'ghcr.io' },
  ],
  [
    '/v2/app/tags/list?columns=1&ns=registry.example.com%3A5000',
    {
      name: 'app',
      target: { kind: 'tags' },
      query: 'columns=1',
      namespace: 'registry.example.com:5000',
    },
  ],
  ['/v2/app/tags/list?columns=1', { name: 'app', target: { kind: 'tags' }, query: 'columns=1' }],
  ['/v2/app/manifests/latest?ns=', { name: 'app', target: latest, namespace: '' }],
  ['http://GHCR.IO/v2/app/manifests/latest', { name: 'app', host: 'ghcr.io', target: latest }],
  ['http://[::1]:5000/v2/app/manifests/latest', { name: 'app', host: '[::1]', target: latest }],
])('%s', (path, pull) => {
  expect(parse(path)).toEqual({ kind: 'pull', secret: undefined, pull: { ...plain, ...pull } })
})

test.each([
  ['/v2/', undefined],
  ['/v2', undefined],
  ['/v2/?ns=docker.io', undefined],
  ['/hub/v2/', 'hub'],
  ['/hub/v2', 'hub'],
])('%s is the ping', (path, prefix) => {
  expect(parse(path)).toEqual({ kind: 'ping', secret: undefined, prefix })
})

test.each([
  ['/t/pwt_1/v2/', 'pwt_1', 'ping', undefined],
  ['/t/pwt_1/v2', 'pwt_1', 'ping', undefined],
  ['/t/pwt_1/hub/v2/', 'pwt_1', 'ping', 'hub'],
  ['/t/pwt_1/v2/app/manifests/latest', 'pwt_1', 'pull', undefined],
  ['/t/pwt_1/ghcr.io/v2/app/manifests/latest', 'pwt_1', 'pull', 'ghcr.io'],
  ['/t/v2/app/manifests/latest', undefined, 'pull', 't'],
  ['/t/v2/', undefined, 'ping', 't'],
  ['/v2/t/pwt_1/manifests/latest', undefined, 'pull', undefined],
])('%s has the secret %s', (path, secret, kind, prefix) => {
  const parsed = parse(path) as { kind: string; prefix?: string; pull?: { prefix?: string } }
  expect(parsed).toMatchObject({ kind, secret })
  expect((parsed.pull ?? parsed).prefix).toBe(prefix)
  if (kind === 'pull') expect(parsed.pull).toMatchObject({ isSecret: secret !== undefined })
})

test('HEAD is decided here', () => {
  expect(parse(`/v2/app/blobs/${digest}`, { method: 'HEAD' })).toMatchObject({
    pull: { method: 'HEAD' },
  })
})

test.each([
  ...['/', '/v1/search', '/v2x/app', '/token', '/a/b/v2/app/manifests/latest', '//v2/'],
  ...[
    '/t/',
    '/t/pwt_1',
    '/t/pwt_1/',
    '/t//v2/',
    '/t/pwt_1/a/b/v2/',
    '//t/pwt_1/v2/',
    '/T/pwt_1/v2/',
  ],
])('%s is not of the registry API', (path) => {
  expect(parse(path)).toBeUndefined()
})

describe('what is refused', () => {
  test.each([
    ['/v2/_catalog', 'UNSUPPORTED', 404],
    ['/hub/v2/_catalog', 'UNSUPPORTED', 404],
    ['/v2/app', 'UNSUPPORTED', 404],
    ['/v2/app/', 'UNSUPPORTED', 404],
    ['/v2/app/manifests', 'UNSUPPORTED', 404],
    ['/v2/app/manifests/', 'TAG_INVALID', 400],
    ['/v2/app/tags', 'UNSUPPORTED', 404],
    ['/v2/app/tags/', 'UNSUPPORTED', 404],
    ['/v2/app/tags/listing', 'UNSUPPORTED', 404],
    ['/v2/manifests/latest', 'UNSUPPORTED', 404],
    ['/v2//manifests/latest', 'UNSUPPORTED', 404],
    ['/v2/app/blobs/uploads/', 'UNSUPPORTED', 404],
    ['/v2/app/blobs/latest', 'DIGEST_INVALID', 400],
    ['/v2/app/blobs/sha256:abc', 'DIGEST_INVALID', 400],
    ['/v2/app/referrers/latest', 'DIGEST_INVALID', 400],
    ['/v2/app/manifests/-bad', 'TAG_INVALID', 400],
    ['/v2/app/manifests/a%2Fb', 'TAG_INVALID', 400],
    [`/v2/app/manifests/${digest}0`, 'DIGEST_INVALID', 400],
  ])('%s: %s %i', (path, code, status) => {
    expect(caught(() => parse(path))).toMatchObject({ code, status })
  })

  test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('%s', (method) => {
    for (const path of ['/v2/', '/v2/app/blobs/uploads/', '/v2/app/manifests/latest']) {
      expect(caught(() => parse(path, { method }))).toMatchObject({
        code: 'UNSUPPORTED',
        status: 405,
        headers: { allow: 'GET, HEAD' },
      })
    }
  })

  test('with no more of the input than fits on a line', () => {
    const error = caught(() => parse(`/v2/app/manifests/-${'x'.repeat(5_000)}`)) as Error
    expect(error.message.length).toBeLessThan(250)
  })
})

test.each([
  ['http://host/a/b?c=d', 'host', '/a/b', 'c=d'],
  ['http://HOST:80/a%2Fb', 'host', '/a%2Fb', ''],
  ['https://[2001:db8::1]:443/x?y#z', '[2001:db8::1]', '/x', 'y'],
  ['http://host/?', 'host', '/', ''],
  ['http://host/a?b=?', 'host', '/a', 'b=?'],
  ['http://host/a?b=//c/d', 'host', '/a', 'b=//c/d'],
])('%s in parts', (url, host, path, query) => {
  expect(splitUrl(url)).toEqual({ host, path, query })
})
