import { describe, expect, test } from 'vitest'
import { createTestMirror, type Answered, type TestMirror } from '../fakes/mirror.ts'
import {
  answers,
  buildMultiArch,
  createFakeRegistry,
  type Content,
  type FakeRegistry,
  type Settings,
} from '../fakes/registry/index.ts'
import { dockerHub } from '../fakes/registry/profiles/docker-hub.ts'

const image = buildMultiArch({ seed: 31, layerBytes: 30_000 })
const child = image.manifests[1]!
const layer = image.blobs[1]!
const root = '/v2/registry.test/owner/name'
const realm = 'https://auth.registry.test/token'

function settle(settings: Settings): [FakeRegistry, TestMirror] {
  const fake = createFakeRegistry(settings)
  fake.push('owner/name', 'latest', image)
  const config = 'upstreams: { registry.test: {} }'
  return [fake, createTestMirror({ fetch: fake.fetch, config })]
}

function expectContent(answer: Answered, content: Content): void {
  expect(answer.broken).toBeUndefined()
  expect([answer.status, answer.headers.get('docker-content-digest')]).toEqual([
    200,
    content.digest,
  ])
  expect(answer.headers.get('content-encoding')).toBeNull()
  expect(answer.headers.get('set-cookie')).toBeNull()
  expect(Buffer.compare(answer.bytes, content.bytes)).toBe(0)
}

/** All challenges that still lead to the realm. */
const challenges: Readonly<Record<string, readonly string[]>> = {
  'unquoted values': [`Bearer realm=${realm},service=registry.test`],
  'one unquoted value': [`Bearer realm="${realm}",service=registry.test`],
  'Basic, then Bearer on a line of its own': [
    'Basic realm="registry"',
    `Bearer realm="${realm}",service="registry.test"`,
  ],
  'Basic and Bearer on one line': [`Basic realm="registry", Bearer realm="${realm}",service="s"`],
  'Bearer and Basic on one line': [`Bearer realm="${realm}",service="s", Basic realm="registry"`],
  'Negotiate with data before it': [`Negotiate YWJj/ZGVm+Z2hp==, Bearer realm="${realm}"`],
  'a placeholder as scope': [`Bearer realm="${realm}",scope="repository:user/image:pull"`],
  'no service': [`Bearer realm="${realm}"`],
  'a comma in the scope': [
    `Bearer realm="${realm}",service="s",scope="repository:owner/name:pull,push"`,
  ],
  'several scopes': [`Bearer realm="${realm}",scope="repository:a:pull repository:b:pull"`],
  'a wide scope': [`Bearer realm="${realm}",service="s",scope="aws"`],
  'blanks in the service': [
    `Bearer realm="${realm}",service="SUSE Linux Docker Registry",scope="registry:catalog:*"`,
  ],
  'an error first': [`Bearer error="invalid_token",realm="${realm}",service="s"`],
  'another spelling': [`bEARER  Realm = "${realm}" , SERVICE = "s"`],
  'escaped quotes': [`Bearer service="a \\"b\\"",realm="${realm}"`],
  'a realm with a query': [`Bearer realm="${realm}?tenant=a%20b",service="s"`],
}

test.each(Object.entries(challenges))('challenge: %s', async (_, lines) => {
  const [fake, mirror] = settle({ challenge: { ping: lines, repository: lines } })
  expectContent(await mirror.get(`${root}/manifests/latest`), image.root)
  const [token, ...more] = fake.calls.filter(({ kind }) => kind === 'token')
  expect(more).toEqual([])
  expect(token!.url.searchParams.getAll('scope')).toEqual(['repository:owner/name:pull'])
})

test.each([
  ['SUSE Linux Docker Registry', 'service="SUSE Linux Docker Registry"'],
  ['a "b"', 'service="a \\"b\\""'],
  ['x&scope=y', 'service="x&scope=y"'],
])('the service %s reaches the realm unchanged', async (service, parameter) => {
  const lines = [`Bearer realm="${realm}",${parameter}`]
  const [fake, mirror] = settle({ challenge: { ping: lines, repository: lines } })
  await mirror.get(`${root}/manifests/latest`)
  const token = fake.calls.find(({ kind }) => kind === 'token')
  expect(token!.url.searchParams.getAll('service')).toEqual([service])
  expect(token!.url.searchParams.getAll('scope')).toEqual(['repository:owner/name:pull'])
})

test.each([
  ['no challenge at all', []],
  ['a scheme that nobody knows', ['Digest realm="x", nonce="y"']],
  ['Basic, for which there are no credentials', ['Basic realm="x"']],
  ['no realm', ['Bearer service="registry.test"']],
])('challenge that leads nowhere: %s', async (_, lines) => {
  const [fake, mirror] = settle({ challenge: { ping: lines, repository: lines } })
  const answer = await mirror.get(`${root}/manifests/latest`)
  expect([answer.status, answer.code]).toEqual([403, 'DENIED'])
  expect(answer.message).toContain('registry.test')
  expect(fake.calls.map(({ kind }) => kind)).toEqual(['manifest'])
})

const tokens: readonly [string, Settings['token']][] = [
  ['token alone', { fields: ['token'] }],
  ['access_token alone', { fields: ['access_token'] }],
  ['both', { fields: ['token', 'access_token'] }],
  ['issued in another year', { fields: ['token', 'expires_in', 'issued_at'] }],
  ['base64', { form: 'base64' }],
  ['plus, slash and equals', { form: 'odd' }],
]

test.each(tokens)('token: %s', async (_, token) => {
  const [, mirror] = settle(token === undefined ? {} : { token })
  expectContent(await mirror.get(`${root}/manifests/latest`), image.root)
})

const realmAnswers = [
  ['401 with details', answers.tokenDetails, 403, 'DENIED'],
  ['401 with errors', answers.tokenErrors, 403, 'DENIED'],
  ['403', answers.denied, 403, 'DENIED'],
  ['429 in words', answers.tooManyRequestsText, 429, 'TOOMANYREQUESTS'],
  ['429 in JSON', answers.tooManyRequests, 429, 'TOOMANYREQUESTS'],
  ['500', answers.serverError, 503, 'UNAVAILABLE'],
  ['502 with a page', answers.badGateway, 503, 'UNAVAILABLE'],
  ['503', answers.unavailable, 503, 'UNAVAILABLE'],
  ['a page with 200', answers.webPage, 503, 'UNAVAILABLE'],
  ['an empty object', { status: 200, body: '{}' }, 503, 'UNAVAILABLE'],
  ['an empty body', { status: 200 }, 503, 'UNAVAILABLE'],
  ['JSON that is no object', { status: 200, body: '"token"' }, 503, 'UNAVAILABLE'],
  ['an empty token', { status: 200, body: '{"token":""}' }, 503, 'UNAVAILABLE'],
  ['a number as token', { status: 200, body: '{"token":7}' }, 503, 'UNAVAILABLE'],
  ['a line break in the token', { status: 200, body: '{"token":"a\\r\\nb"}' }, 503, 'UNAVAILABLE'],
  ['2 MiB', { status: 200, body: `{"token":"${'a'.repeat(2 ** 21)}"}` }, 503, 'UNAVAILABLE'],
] as const

test.each(realmAnswers)('the realm answers %s', async (_, always, status, code) => {
  const [, mirror] = settle({ token: { always } })
  const answer = await mirror.get(`${root}/manifests/latest`)
  expect([answer.status, answer.code]).toEqual([status, code])
  expect(answer.message).toContain('registry.test')
})

const unknowns = [
  ['401 insufficient_scope', answers.unauthorized, 403, 'DENIED'],
  ['403', answers.denied, 403, 'DENIED'],
  ['404 JSON', answers.nameUnknown, 404, 'NAME_UNKNOWN'],
  ['404 text', answers.notFoundText, 404, 'MANIFEST_UNKNOWN'],
  ['404 with a number as code', answers.numericCode, 404, 'MANIFEST_UNKNOWN'],
  ['404 NOT_FOUND', answers.notFoundCode, 404, 'MANIFEST_UNKNOWN'],
  ['a page with 200', answers.webPage, 503, 'UNAVAILABLE'],
  ['405', answers.methodNotAllowed, 404, 'MANIFEST_UNKNOWN'],
] as const

test.each(unknowns)('an unknown repository as %s', async (_, unknownRepository, status, code) => {
  const [, mirror] = settle({ unknownRepository })
  const answer = await mirror.get('/v2/registry.test/owner/absent/manifests/latest')
  expect([answer.status, answer.code]).toEqual([status, code])
})

const manifestForms: Readonly<Record<string, Settings>> = {
  'Accept ignored': { manifests: { accept: 'ignore' } },
  'Accept strict': { manifests: { accept: 'strict' } },
  'Accept downgrading': { manifests: { accept: 'downgrade' } },
  'digest on HEAD only': { manifests: { digestHeader: 'head-only', etag: 'none' } },
  'digest on GET only': { manifests: { digestHeader: 'get-only', etag: 'none' } },
  'no digest': { manifests: { digestHeader: 'never', etag: 'none' } },
  'no length on HEAD': { manifests: { headLength: false } },
  'gzip when asked': { manifests: { gzip: 'when-asked' } },
  'no API version': { apiVersion: 'never' },
  'products only': { userAgents: 'products-only', blobHost: { userAgents: 'products-only' } },
  'quota by the hour': { rateLimit: dockerHub.rateLimit },
  'quota by six hours': { rateLimit: { ...dockerHub.rateLimit, windowSeconds: 21_600 } },
  'quota with blanks': { rateLimit: { ...dockerHub.rateLimit, spaced: true, copies: false } },
  'quota of an IPv6 network': {
    rateLimit: { ...dockerHub.rateLimit, source: '2001:41d0:801:2000::' },
  },
  'quota of a user': { rateLimit: { ...dockerHub.rateLimit, source: 'theadzik' } },
  'repeated headers and cookies': {
    headers: {
      'set-cookie': ['sid=1; Path=/; HttpOnly', '_gorilla_csrf=2'],
      'strict-transport-security': ['max-age=1', 'max-age=1'],
      link: '</elsewhere>; rel="next"',
      'content-disposition': 'attachment',
    },
  },
}

describe.each(Object.entries(manifestForms))('manifests: %s', (_, settings) => {
  test('HEAD by tag is exact', async () => {
    const [, mirror] = settle(settings)
    const head = await mirror.head(`${root}/manifests/latest`)
    expect(head.status).toBe(200)
    expect(head.headers.get('content-length')).toBe(String(image.root.bytes.length))
    expect(head.headers.get('content-type')).toBe(image.root.mediaType)
    expect(head.headers.get('docker-content-digest')).toBe(image.root.digest)
    expect(head.bytes).toHaveLength(0)
  })

  test('GET by tag and by digest, then a blob', async () => {
    const [, mirror] = settle(settings)
    expectContent(await mirror.get(`${root}/manifests/latest`), image.root)
    expectContent(await mirror.get(`${root}/manifests/${child.digest}`), child)
    expectContent(await mirror.get(`${root}/blobs/${layer.digest}`), layer)
  })
})

const quotas = [
  { windowSeconds: 3_600, spaced: false, copies: true },
  { windowSeconds: 21_600, spaced: false, copies: false },
  { windowSeconds: 3_600, spaced: true, copies: false },
] as const

test.each(quotas)('the quota is read: %o', async (form) => {
  const [, mirror] = settle({ rateLimit: { ...dockerHub.rateLimit, ...form } })
  await mirror.get(`${root}/manifests/latest`)
  await mirror.get(`${root}/manifests/${child.digest}`)
  const { text } = await mirror.get('/metrics')
  const labels = '{upstream="registry.test",endpoint="registry.test"}'
  expect(text).toContain(`pullway_upstream_quota_limit${labels} 100`)
  expect(text).toContain(`pullway_upstream_quota_remaining${labels} 98`)
})

const vagueTypes = [
  'application/json',
  'text/plain; charset=utf-8',
  'application/octet-stream',
  `${image.root.mediaType}; charset=utf-8`,
  image.root.mediaType.toUpperCase(),
]

test.each(vagueTypes)('a manifest that comes as %s goes on as what it is', async (contentType) => {
  const [fake, mirror] = settle({})
  fake.fail({ kind: 'manifest' }, { kind: 'headers', headers: { 'content-type': contentType } })
  for (const method of ['head', 'get'] as const) {
    const answer = await mirror[method](`${root}/manifests/latest`)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, image.root.mediaType])
  }
})

test('gzip that nobody asked for reaches no client', async () => {
  const [, mirror] = settle({ manifests: { gzip: 'always' } })
  for (const [kind, content] of [
    ['manifests', child],
    ['blobs', layer],
  ] as const) {
    const answer = await mirror.get(`${root}/${kind}/${content.digest}`)
    if (answer.status === 200 && answer.broken === undefined) expectContent(answer, content)
    else if (answer.status !== 200) expect(answer.code).toBe('UNAVAILABLE')
  }
})
