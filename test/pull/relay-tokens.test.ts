import { describe, expect, test } from 'vitest'
import { createAccountRegistry } from '../fakes/accounts/registry.ts'
import { createTestMirror, readAnswer, type Answered } from '../fakes/mirror.ts'
import { basicOf, createRelayWorld, secret } from './relay-world.ts'

const scope = 'repository:registry.test/private/app:pull'
const manifest = '/v2/registry.test/private/app/manifests/latest'

function parse(answer: Answered): Record<string, unknown> {
  return JSON.parse(answer.text) as Record<string, unknown>
}

async function post(
  { mirror }: Pick<ReturnType<typeof createRelayWorld>, 'mirror'>,
  form: Record<string, string>,
): Promise<Answered> {
  const body = new URLSearchParams({ service: 'registry.test', ...form })
  return mirror.drive(mirror.fetch('/token', { method: 'POST', body }).then(readAnswer))
}

describe('docker login', () => {
  const login = '/token?account=owner&client_id=docker&offline_token=true&service=registry.test'

  test('asks the upstream whether the password is right', async () => {
    const world = createRelayWorld()
    const { mirror, registry } = world
    const ping = await mirror.get('/v2/')
    expect(ping.status).toBe(401)
    expect(ping.headers.get('www-authenticate')).toBe(
      'Bearer realm="http://mirror.test/token",service="pullway"',
    )
    const answer = await mirror.get(login, { authorization: basicOf('owner') })
    expect([answer.status, Object.keys(parse(answer)).sort()]).toEqual([
      200,
      ['access_token', 'expires_in', 'refresh_token', 'token'],
    ])
    expect(parse(answer)['token']).toBe(parse(answer)['access_token'])
    const authorization = `Bearer ${String(parse(answer)['token'])}`
    expect((await mirror.get('/v2/', { authorization })).status).toBe(200)
    const [asked] = registry.calls.filter(({ url }) => url.host === 'auth.registry.test')
    expect(Object.fromEntries(asked!.url.searchParams)).toEqual({
      service: 'registry.test',
      account: 'owner',
      client_id: 'pullway',
      offline_token: 'true',
    })
  })

  test('fails with a wrong password, in the upstream’s words', async () => {
    const { mirror } = createRelayWorld()
    const guess = mirror.get(login, { authorization: basicOf('owner', 'guess') })
    const answer = await mirror.drive(guess)
    expect([answer.status, answer.code]).toEqual([401, 'UNAUTHORIZED'])
    expect(answer.message).toContain('incorrect username or password')
    expect(mirror.logged.join()).not.toContain('guess')
  })

  test.each([
    ['no token', {}],
    ['a token from elsewhere', { authorization: 'Bearer anonymous' }],
    ['a login', { authorization: basicOf('owner') }],
  ])('is asked for at /v2/ with %s', async (_, headers) => {
    const { mirror } = createRelayWorld()
    expect((await mirror.get('/v2/', headers)).status).toBe(401)
  })
})

test('wrong passwords are slowed down, and then not passed on any more', async () => {
  const { mirror, registry } = createRelayWorld()
  const path = '/token?service=registry.test'
  const statuses: number[] = []
  for (let count = 0; count < 14; count++) {
    const headers = { authorization: basicOf('owner', `guess-${String(count)}`) }
    statuses.push((await mirror.drive(mirror.get(path, headers))).status)
  }
  expect(new Set(statuses.slice(0, 9))).toEqual(new Set([401]))
  expect(statuses.at(-1)).toBe(429)
  const asked = registry.calls.filter(({ url }) => url.host === 'auth.registry.test')
  expect(asked.length).toBeLessThan(14)
})

test('right passwords are not slowed down, however many come at once', async () => {
  const { mirror } = createRelayWorld()
  const headers = { authorization: basicOf('owner') }
  const answers = await Promise.all(
    Array.from({ length: 30 }, () => mirror.get('/token?service=registry.test', headers)),
  )
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
})

describe('POST', () => {
  test('with a password, as containerd and BuildKit do first', async () => {
    const world = createRelayWorld()
    const answer = await post(world, {
      grant_type: 'password',
      username: 'owner',
      password: 'owner-password',
      scope,
    })
    expect(answer.status).toBe(200)
    const authorization = `Bearer ${String(parse(answer)['token'])}`
    expect((await world.mirror.get(manifest, { authorization })).status).toBe(200)
  })

  test('with a refresh token, which goes to the upstream that gave it', async () => {
    const world = createRelayWorld()
    const { mirror, registry } = world
    const login = await mirror.get('/token?service=registry.test&offline_token=true', {
      authorization: basicOf('owner'),
    })
    const refresh_token = String(parse(login)['refresh_token'])
    const answer = await post(world, { grant_type: 'refresh_token', refresh_token, scope })
    expect(answer.status).toBe(200)
    const authorization = `Bearer ${String(parse(answer)['token'])}`
    expect((await mirror.get(manifest, { authorization })).status).toBe(200)
    const asked = registry.calls.find(({ method }) => method === 'POST')
    expect(Object.fromEntries(new URLSearchParams(asked?.body.toString()))).toEqual({
      grant_type: 'refresh_token',
      client_id: 'pullway',
      refresh_token: 'refresh-owner',
      service: 'registry.test',
      scope: 'repository:private/app:pull',
    })
  })

  test.each([
    ['a wrong password', { grant_type: 'password', username: 'owner', password: 'x', scope }, 401],
    ['an unknown refresh token', { grant_type: 'refresh_token', refresh_token: 'x', scope }, 401],
    ['another grant', { grant_type: 'client_credentials', scope }, 405],
    ['a form that is too long', { grant_type: 'password', username: 'x'.repeat(70_000) }, 413],
  ])('with %s', async (_, form, status) => {
    const answer = await post(createRelayWorld(), form)
    expect([answer.status, answer.code !== undefined]).toEqual([status, true])
  })
})

describe('scopes', () => {
  const rows: readonly [string, object, string[], string[]][] = [
    ['the prefix is cut', {}, [scope], ['repository:private/app:pull']],
    [
      'as containerd names it for a mirror',
      {},
      ['repository:private/app:pull'],
      ['repository:private/app:pull'],
    ],
    [
      'several, repeated and joined',
      {},
      [`${scope} repository:public/app:pull`, 'repository:registry.test/other:pull'],
      ['repository:private/app:pull', 'repository:public/app:pull', 'repository:other:pull'],
    ],
    [
      'a project of the endpoint',
      { endpoints: [{ url: 'https://registry.test/v2/team' }] },
      [scope],
      ['repository:team/private/app:pull'],
    ],
    ['push is cut where it is not enabled', {}, [`${scope},push`], ['repository:private/app:pull']],
    [
      'other kinds are left out',
      {},
      ['registry:catalog:*', 'repository(plugin):public/app:pull', 'repository:a b:pull'],
      ['repository:public/app:pull'],
    ],
    [
      'what is no name is left out',
      {},
      ['repository:../../x:pull', 'repository:A:pull', scope],
      ['repository:private/app:pull'],
    ],
  ]

  test.each(rows)('%s', async (_, upstream, asked, expected) => {
    const { registry, login } = createRelayWorld({ upstream })
    await login('owner', ...asked)
    const realm = registry.calls.filter(({ url }) => url.host === 'auth.registry.test')
    expect(realm.map(({ url }) => url.searchParams.getAll('scope'))).toEqual([expected])
  })

  test('are few', async () => {
    const { registry, login } = createRelayWorld()
    await login(
      'owner',
      ...Array.from({ length: 200 }, (_, at) => `repository:a${String(at)}:pull`),
    )
    const realm = registry.calls.find(({ url }) => url.host === 'auth.registry.test')
    expect(realm?.url.searchParams.getAll('scope')).toHaveLength(16)
  })

  test('get one token for two upstreams, each of which sees its own', async () => {
    const one = createAccountRegistry()
    const relay = { clientCredentials: 'relay', trustedHosts: ['auth.registry.test'] }
    const mirror = createTestMirror({
      fetch: one.fetch,
      config: JSON.stringify({
        upstreams: {
          'registry.test': { ...relay, endpoints: [{ url: 'https://registry.test' }] },
          'other.test': { ...relay, endpoints: [{ url: 'https://uploads.registry.test' }] },
        },
      }),
    })
    one.put('private/app', 'latest', secret)
    one.put('private/two', 'latest', secret)
    const query = `scope=${scope}&scope=repository:other.test/private/two:pull`
    const answer = await mirror.get(`/token?${query}`, { authorization: basicOf('owner') })
    const authorization = `Bearer ${String(parse(answer)['token'])}`
    for (const path of [manifest, '/v2/other.test/private/two/manifests/latest'])
      expect((await mirror.get(path, { authorization })).status).toBe(200)
    const shown = one.calls
      .filter(({ url }) => url.pathname.includes('/manifests/'))
      .map(({ url, headers }) => `${url.host} ${String(headers.get('authorization'))}`)
    expect(new Set(shown)).toEqual(
      new Set(['registry.test Bearer token-owner-0', 'uploads.registry.test Bearer token-owner-1']),
    )
  })
})

describe('an upstream without tokens', () => {
  test('takes the login itself, through us', async () => {
    const { mirror, registry, login } = createRelayWorld({ settings: { scheme: 'basic' } })
    const authorization = await login('owner', scope)
    expect((await mirror.get(manifest, { authorization })).status).toBe(200)
    await expect(mirror.drive(login('owner:guess', scope))).rejects.toThrow('401')
    const stranger = { authorization: await login('stranger', scope) }
    expect((await mirror.get(manifest, stranger)).status).toBe(401)
    const shown = registry.calls.flatMap(({ headers }) => headers.get('authorization') ?? [])
    expect(new Set(shown)).toEqual(
      new Set([
        basicOf('owner'),
        basicOf('owner:guess', 'owner:guess-password'),
        basicOf('stranger'),
      ]),
    )
  })

  test('that is open to everybody is never shown a login', async () => {
    const { mirror, registry, login } = createRelayWorld({ settings: { scheme: 'open' } })
    const authorization = await login('owner', scope)
    expect((await mirror.get(manifest, { authorization })).status).toBe(200)
    expect(registry.calls.flatMap(({ headers }) => headers.get('authorization') ?? [])).toEqual([])
  })
})

test('a client that sends its login with each request is let in, and the realm is asked once', async () => {
  const { mirror, registry } = createRelayWorld()
  const authorization = basicOf('owner')
  for (const one of secret.blobs) {
    const path = `/v2/registry.test/private/app/blobs/${one.digest}`
    expect((await mirror.get(path, { authorization })).status).toBe(200)
  }
  const wrong = mirror.get(manifest, { authorization: basicOf('owner', 'no') })
  expect((await mirror.drive(wrong)).status).toBe(401)
  expect((await mirror.get(manifest, { authorization: 'Basic Og==' })).status).toBe(401)
  const realm = registry.calls.filter(({ url }) => url.host === 'auth.registry.test')
  expect(realm.map(({ headers }) => headers.get('authorization'))).toEqual([
    basicOf('owner'),
    basicOf('owner', 'no'),
  ])
})

describe('a mirror with other upstreams, too', () => {
  const config = { publicUrl: 'http://mirror.test' }

  test.each([
    ['http://mirror.test/v2/', 401],
    ['http://mirror.test/registry.test/v2/', 401],
    ['http://registry.test/v2/', 401],
    ['http://mirror.test/docker.io/v2/', 200],
    ['http://docker.io.mirror.test/v2/', 200],
  ])('%s', async (url, status) => {
    const { mirror } = createRelayWorld({ config })
    expect((await mirror.get(url)).status).toBe(status)
  })

  test('serves them without a login, whatever token a client brings', async () => {
    const { mirror, registry } = createRelayWorld({ config })
    const query = 'service=pullway&scope=repository:library/alpine:pull'
    const answer = await mirror.get(`/token?${query}`, { authorization: basicOf('owner') })
    expect(parse(answer)['token']).toBe('anonymous')
    expect(registry.calls).toEqual([])
  })
})
