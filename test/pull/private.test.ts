import { describe, expect, test } from 'vitest'
import { createAccountRegistry, type AccountRegistry } from '../fakes/accounts/registry.ts'
import { createTestMirror, type TestMirror } from '../fakes/mirror.ts'
import { open, secret } from './relay-world.ts'
import { lineOf } from '../fakes/user-line.ts'

const privateManifest = '/v2/registry.test/private/app/manifests/latest'
const privateBlob = `/v2/registry.test/private/app/blobs/${secret.blobs[0]!.digest}`
const publicManifest = '/v2/registry.test/public/app/manifests/latest'
const publicBlob = `/v2/registry.test/public/app/blobs/${open.blobs[0]!.digest}`

interface PrivateWorld {
  readonly registry: AccountRegistry
  readonly mirror: TestMirror
  /** What was asked without credentials since the last time. */
  readonly takeAnonymous: () => string[]
}

/** A mirror with the operator's account at registry.test. */
function createPrivateWorld(access?: object, cache: object = {}): PrivateWorld {
  const registry = createAccountRegistry()
  registry.put('private/app', 'latest', secret)
  registry.put('public/app', 'latest', open)
  const endpoint = { url: 'https://registry.test', username: 'owner', password: 'owner-password' }
  const mirror = createTestMirror({
    fetch: registry.fetch,
    config: JSON.stringify({
      upstreams: { 'registry.test': { endpoints: [endpoint] } },
      cache: { tags: { freshFor: '0s' }, ...cache },
      ...(access && { access }),
    }),
  })
  let taken = 0
  return {
    registry,
    mirror,
    takeAnonymous() {
      const calls = registry.calls.slice(taken)
      taken = registry.calls.length
      return calls
        .filter(({ headers }) => /token-nobody/.test(headers.get('authorization') ?? ''))
        .map(({ method, url }) => `${method} ${url.pathname}`)
    },
  }
}

const named = { rules: [{ users: ['anonymous'], images: ['registry.test/private/**'] }] }

describe('a private repository', () => {
  test.each([
    ['without rules', undefined],
    ['where everybody may pull everything', { rules: [{ users: ['*'], images: ['**'] }] }],
    ['where it is among the images', { images: { allow: ['registry.test/private/**'] } }],
    [
      'where a rule names them for another one',
      {
        rules: [
          { users: ['anonymous'], images: ['registry.test/public/**'] },
          { users: ['*'], images: ['**'] },
        ],
      },
    ],
  ])('is visible to nobody whom no rule names: %s', async (_, access) => {
    const { mirror } = createPrivateWorld(access)
    for (const path of [
      privateManifest,
      privateManifest.replace('latest', secret.root.digest),
      privateBlob,
      '/v2/registry.test/private/app/tags/list',
      `/v2/registry.test/private/app/referrers/${secret.root.digest}`,
    ]) {
      const answer = await mirror.get(path)
      expect([path, answer.status, answer.code]).toEqual([path, 403, 'DENIED'])
      expect(answer.message).toBe(
        'private/app is private at registry.test: a rule in access.rules must name who may see it',
      )
      expect((await mirror.head(path)).status).toBe(403)
    }
  })

  test('is served to whom a rule names, without a question', async () => {
    const { mirror, takeAnonymous } = createPrivateWorld(named)
    expect((await mirror.get(privateManifest)).status).toBe(200)
    expect((await mirror.get(privateBlob)).status).toBe(200)
    expect(takeAnonymous()).toEqual([])
  })

  test('is found out once, and not opened by what is in the cache', async () => {
    const { mirror, registry, takeAnonymous } = createPrivateWorld()
    await mirror.get(privateManifest)
    expect(takeAnonymous()).toEqual(['HEAD /v2/private/app/manifests/latest'])
    for (let count = 0; count < 3; count++) await mirror.get(privateBlob)
    expect(takeAnonymous()).toEqual([])
    const gets = registry.calls.filter(
      ({ method, url }) => method === 'GET' && url.pathname.includes('app'),
    )
    expect(gets).toEqual([])
  })

  test('that is opened to the public is served an hour later', async () => {
    const { mirror, registry } = createPrivateWorld()
    expect((await mirror.get(privateManifest)).status).toBe(403)
    registry.change({ mayDo: () => true })
    await mirror.clock.advance(3_600_000)
    expect((await mirror.get(privateManifest)).status).toBe(200)
  })
})

describe('a public repository', () => {
  test('costs one question more in six hours, and no quota', async () => {
    const { mirror, takeAnonymous } = createPrivateWorld()
    expect((await mirror.get(publicManifest)).status).toBe(200)
    expect((await mirror.get(publicBlob)).status).toBe(200)
    await mirror.clock.advance(5 * 3_600_000)
    expect((await mirror.get(publicManifest)).status).toBe(200)
    expect(takeAnonymous()).toEqual(['HEAD /v2/public/app/manifests/latest'])
    await mirror.clock.advance(3_600_000)
    expect((await mirror.get(publicManifest)).status).toBe(200)
    expect(takeAnonymous()).toEqual(['HEAD /v2/public/app/manifests/latest'])
  })

  test('is asked for once by many clients at once', async () => {
    const { mirror, takeAnonymous } = createPrivateWorld()
    await Promise.all(Array.from({ length: 8 }, () => mirror.get(publicManifest)))
    expect(takeAnonymous()).toEqual(['HEAD /v2/public/app/manifests/latest'])
  })

  test('that becomes private is hidden six hours later', async () => {
    const { mirror, registry } = createPrivateWorld()
    await mirror.get(publicManifest)
    await mirror.get(publicBlob)
    await mirror.settle()
    registry.change({ mayDo: (user) => user === 'owner' })
    await mirror.clock.advance(6 * 3_600_000)
    expect((await mirror.get(publicBlob)).status).toBe(403)
  })

  test('says that it has no such tag', async () => {
    const { mirror } = createPrivateWorld()
    const answer = await mirror.get('/v2/registry.test/public/app/manifests/unknown')
    expect([answer.status, answer.code]).toEqual([404, 'MANIFEST_UNKNOWN'])
    expect((await mirror.get(publicManifest)).status).toBe(200)
  })
})

describe('a public repository that is deleted', () => {
  const hours = 3_600_000
  const kept = { serveStaleOn: ['not-found'] }
  const deny = (): Response => new Response(null, { status: 403 })
  const lacks = (): Response => new Response(null, { status: 404 })

  async function pullAndWait(cache: object, change: Parameters<AccountRegistry['change']>[0]) {
    const { mirror, registry } = createPrivateWorld(undefined, cache)
    const blobs = open.blobs.map(({ digest }) => `/v2/registry.test/public/app/blobs/${digest}`)
    for (const path of [publicManifest, ...blobs]) await mirror.get(path)
    await mirror.settle()
    registry.change(change)
    await mirror.clock.advance(7 * hours)
    return mirror
  }

  test.each([
    ['denied', deny],
    ['unknown', lacks],
  ])('stays where not-found is listed, if it is %s to everybody', async (_, instead) => {
    const mirror = await pullAndWait(kept, { instead })
    for (let round = 0; round < 2; round++) {
      const stale = await mirror.get(publicManifest)
      expect([stale.status, stale.headers.get('cache-status')]).toEqual([
        200,
        'pullway; hit; detail=stale-not-found',
      ])
      expect((await mirror.get(publicBlob)).status).toBe(200)
      await mirror.clock.advance(7 * hours)
    }
  })

  test.each([
    ['is not listed, if it is denied', {}, { instead: deny }, 403],
    ['is not listed, if it is unknown', {}, { instead: lacks }, 404],
    [
      'is listed, but the account still sees it',
      kept,
      { mayDo: (user: string | undefined) => user === 'owner' },
      403,
    ],
  ])('is not served where not-found %s', async (_, cache, change, status) => {
    const mirror = await pullAndWait(cache, change)
    expect((await mirror.get(publicManifest)).status).toBe(status)
    if (status === 403) expect((await mirror.get(publicBlob)).status).toBe(403)
  })

  test('says nothing of one that was private', async () => {
    const { mirror, registry } = createPrivateWorld(undefined, kept)
    await mirror.get(privateManifest)
    registry.change({ instead: deny })
    await mirror.clock.advance(2 * hours)
    expect((await mirror.get(privateManifest)).status).toBe(403)
  })
})

describe('while the upstream cannot be asked', () => {
  test.each([429, 503])('(%i) what is not known is private', async (status) => {
    const { mirror, registry } = createPrivateWorld()
    registry.change({
      instead: ({ headers }) =>
        /nobody/.test(headers.get('authorization') ?? '')
          ? new Response(null, { status })
          : undefined,
    })
    const answer = await mirror.get(privateManifest)
    expect([answer.status, answer.bytes.byteLength < 1000]).toEqual([status, true])
    expect((await mirror.get(publicManifest)).status).toBe(status)
  })

  test('what was public is still served, and what was private is not', async () => {
    const { mirror, registry } = createPrivateWorld()
    for (const path of [
      publicManifest,
      ...open.blobs.map(({ digest }) => `/v2/registry.test/public/app/blobs/${digest}`),
      privateManifest,
    ])
      await mirror.get(path)
    await mirror.settle()
    registry.change({ instead: () => new Response(null, { status: 503 }) })
    await mirror.clock.advance(24 * 3_600_000)
    const stale = await mirror.get(publicManifest)
    expect([stale.status, stale.headers.get('warning') !== null]).toEqual([200, true])
    expect((await mirror.get(privateManifest)).status).toBe(403)
  })
})

test('a user whom a rule names sees what another one does not', async () => {
  const entries = ['alice', 'bob'].map((name) => lineOf(name, `${name}-password`))
  const { mirror } = createPrivateWorld({
    users: { entries },
    rules: [
      { users: ['alice'], images: ['registry.test/private/**'] },
      { users: ['*'], images: ['**'] },
    ],
  })
  const as = (name: string): Record<string, string> => ({
    authorization: `Basic ${Buffer.from(`${name}:${name}-password`).toString('base64')}`,
  })
  expect((await mirror.get(privateManifest, as('alice'))).status).toBe(200)
  expect((await mirror.get(privateBlob, as('alice'))).status).toBe(200)
  const hidden = await mirror.get(privateBlob, as('bob'))
  expect([hidden.status, hidden.code]).toEqual([403, 'DENIED'])
  expect((await mirror.get(publicManifest, as('bob'))).status).toBe(200)
})
