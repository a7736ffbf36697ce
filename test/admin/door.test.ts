import { describe, expect, test } from 'vitest'
import { basic, secret } from '../fakes/login-world.ts'
import { readAnswer } from '../fakes/mirror.ts'
import { alice, createAdminWorld, manifest } from './world.ts'

const paths = ['/api/v1/upstreams', '/api/v1/upstreams/docker.io', '/api/openapi.json', '/api/docs']
const api = paths[0]!
const realm = 'Basic realm="pullway"'

describe.each(paths)('%s', (path) => {
  test.each<[who: string, login: string | undefined, status: number, code: string | undefined]>([
    ['an administrator', alice.authorization, 200, undefined],
    ['nobody', undefined, 401, 'UNAUTHORIZED'],
    ['nobody, with an empty login', basic(':'), 401, 'UNAUTHORIZED'],
    ['who has a wrong password', basic('alice:bob-password'), 401, 'UNAUTHORIZED'],
    ['who does not exist', basic('mallory:alice-password'), 401, 'UNAUTHORIZED'],
    ['another user', basic('bob:bob-password'), 403, 'DENIED'],
  ])('answers %s', async (_, login, status, code) => {
    const { mirror, hub, drive } = createAdminWorld()
    const headers = { ...(login !== undefined && { authorization: login }) }
    const answer = await drive(mirror.get(path, headers))
    expect([answer.status, answer.code]).toEqual([status, code])
    expect(answer.headers.get('www-authenticate')).toBe(status === 401 ? realm : null)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual(
      [],
    )
    const head = await drive(mirror.head(path, headers))
    expect([head.status, head.text]).toEqual([status, ''])
    expect(head.headers.get('content-length')).toBe(answer.headers.get('content-length'))
    expect(answer.headers.get('content-length')).toBe(String(answer.bytes.byteLength))
    expect(hub.calls).toEqual([])
  })
})

test('a token of ours is no login here, nor is a service token, in the address or as a password', async () => {
  const { mirror } = createAdminWorld({ admins: ['alice', 'ci-bot'] })
  const granted = await mirror.get('/token', alice)
  const { token } = JSON.parse(granted.text) as { token: string }
  for (const authorization of [
    `Bearer ${token}`,
    `Bearer ${secret}`,
    basic(`ci-bot:${secret}`),
    basic(`alice:${secret}`),
  ]) {
    const answer = await mirror.get(api, { authorization })
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, realm])
  }
  const below = await mirror.get(`/t/${secret}${api}`, alice)
  expect([below.status, below.code]).toEqual([404, 'UNSUPPORTED'])
})

test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'])(
  '%s is not allowed, with or without a login, and nobody is let in from another site',
  async (method) => {
    const { mirror } = createAdminWorld()
    for (const login of [alice, {}]) {
      const headers = { ...login, origin: 'https://elsewhere.test' }
      const answer = await readAnswer(await mirror.fetch(api, { method, headers }))
      expect([answer.status, answer.code]).toEqual([405, 'UNSUPPORTED'])
      expect(answer.headers.get('allow')).toBe('GET, HEAD')
      expect(answer.headers.get('cache-control')).toBe('no-store')
      expect(answer.headers.get('access-control-allow-origin')).toBeNull()
    }
  },
)

test.each([
  '/api',
  '/api/',
  '/api/v1',
  '/api/v1/',
  '/api/v1/upstreams/',
  '/api/v1/upstreams/docker.io/',
  '/api/v1/upstreams/docker.io/endpoints',
  '/api/v1/upstreams%2Fdocker.io',
  '/api/v1%2Fupstreams',
  '/api/v1/upstreams/..%2F..%2Fetc%2Fpasswd',
  '/api/v1/upstreams/docker.io%00',
  '/api/v1/upstreams/%ZZ',
  '/api/v1/upstreams/__proto__',
  '/api/v1/upstreams/DOCKER.IO',
  '/api/v1/upstreams/%0d%0aset-cookie:%20a=b',
  '/api/v1/upstreams/<script>alert(1)</script>',
  '/api//v1/upstreams',
  '/api/openapi.yaml',
  '/api/redocs',
  '/API/v1/upstreams',
  '/apiary',
])('there is nothing at %s', async (path) => {
  const { mirror, hub, second, ask } = createAdminWorld()
  const answer = await ask(path)
  expect([answer.status, ['NAME_UNKNOWN', 'UNSUPPORTED'].includes(answer.code ?? '')]).toEqual([
    404,
    true,
  ])
  expect(answer.headers.get('content-type')).toBe('application/json')
  expect(answer.headers.get('set-cookie')).toBeNull()
  expect(answer.message).not.toMatch(/[\u0000-\u001f]/)
  const head = await mirror.head(path, alice)
  expect([head.status, head.text]).toEqual([404, ''])
  expect([...hub.calls, ...second.calls]).toEqual([])
})

test('a path that is written in another way is no way past the door', async () => {
  const { mirror } = createAdminWorld()
  for (const path of ['/%61pi/v1/upstreams', '/x/../api/v1/upstreams', '/api/./v1/upstreams']) {
    expect((await mirror.get(path)).status, path).toBe(401)
  }
})

test.each([
  `Basic ${'A'.repeat(9_000)}`,
  `Basic ${'A'.repeat(1_000_000)}`,
  basic(`alice:${'p'.repeat(2_000)}`),
  basic(`${'a'.repeat(2_000)}:alice-password`),
  basic('alice:alice-password\0'),
  basic('alice'),
  'Basic',
  'Basic ???',
  `${alice.authorization}, ${alice.authorization}`,
  'Digest username="alice"',
])('a login that cannot be read is refused: %#', async (authorization) => {
  const { mirror, drive } = createAdminWorld()
  const answer = await drive(mirror.get(api, { authorization }))
  expect([answer.status, answer.code]).toEqual([401, 'UNAUTHORIZED'])
  expect(answer.headers.get('www-authenticate')).toBe(realm)
  expect(mirror.logged.join('\n')).not.toContain('a request failed')
})

test('wrong passwords are counted together with those at /token, and shut out', async () => {
  const { mirror, drive } = createAdminWorld()
  const wrong = { authorization: basic('alice:guess') }
  const statuses: number[] = []
  for (let guess = 0; guess < 8; guess++) {
    statuses.push((await drive(mirror.get(api, wrong))).status)
    statuses.push((await drive(mirror.get('/token', wrong))).status)
  }
  // While one waits for its pause, one in half a minute is forgiven.
  expect(statuses.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 401))
  expect(statuses.at(-1)).toBe(429)
  const late = await drive(mirror.get(api, alice))
  expect([late.status, late.code]).toEqual([429, 'TOOMANYREQUESTS'])
  expect(Number(late.headers.get('retry-after'))).toBeGreaterThan(0)
  await mirror.clock.advance(120_000)
  expect((await drive(mirror.get(api, alice))).status).toBe(200)
})

test('requests count for the limit of the user', async () => {
  const { ask } = createAdminWorld({
    settings: { limits: { requests: { rate: '1/h', burst: 2 } } },
  })
  expect((await ask(api)).status).toBe(200)
  expect((await ask(api)).status).toBe(200)
  const third = await ask(api)
  expect([third.status, third.code]).toEqual([429, 'TOOMANYREQUESTS'])
})

test.each([
  { networks: { deny: ['192.0.2.0/24'] } },
  { networks: { allow: ['198.51.100.0/24'] } },
  { userAgents: { deny: ['curl'] } },
])('who is not let in to the mirror is not let in here: %j', async (access) => {
  const { mirror, loads } = createAdminWorld({ access })
  const answer = await mirror.get(api, { ...alice, 'user-agent': 'curl/8.0' })
  expect([answer.status, answer.code]).toEqual([403, 'DENIED'])
  expect(loads()).toBe(0)
})

test('without administrators, the refusal says what to configure', async () => {
  const { ask, loads } = createAdminWorld({ admins: [] })
  const answer = await ask(api)
  expect([answer.status, answer.code]).toEqual([403, 'DENIED'])
  expect(answer.message).toContain('access.admins')
  expect(loads()).toBe(0)
})

test('who is an administrator no more is out at the next request', async () => {
  const { ask, mirror, drive, config, users } = createAdminWorld()
  const bob = { authorization: basic('bob:bob-password') }
  expect((await ask(api)).status).toBe(200)
  const access = { users: { htpasswd: './htpasswd' }, admins: ['bob'] }
  mirror.pullway.replace(config({ access }), users)
  expect((await ask(api)).status).toBe(403)
  expect((await mirror.get(api, bob)).status).toBe(200)
  mirror.pullway.replaceUsers({ file: 'htpasswd', text: users.text.replace(/^bob:.*$/m, '') })
  expect((await drive(mirror.get(api, bob))).status).toBe(401)
})

test('where the platform has no room for it, the refusal says so', async () => {
  const { ask } = createAdminWorld({ loadAdmin: undefined })
  const answer = await ask(api)
  expect([answer.status, answer.code]).toEqual([404, 'UNSUPPORTED'])
  expect(answer.message).toContain('platform')
  expect(answer.headers.get('cache-control')).toBe('no-store')
})

test('the access log has who asked, and nobody’s password', async () => {
  const { ask, mirror } = createAdminWorld()
  await ask(api)
  const log = mirror.logged.join('\n')
  expect(log).toContain('- alice [')
  expect(log).not.toContain('alice-password')
  expect(log).not.toContain(alice.authorization)
  expect((await mirror.get('/metrics')).text).toContain(
    'pullway_requests_total{upstream="-",kind="admin",status="200"} 1',
  )
})

test('a repository may be named api, and what has /v2/ in it is a registry request', async () => {
  const { mirror, hub, loads } = createAdminWorld()
  await mirror.get('/v2/api/v1/manifests/latest')
  expect(hub.takeLines().join('\n')).toContain('/v2/api/v1/manifests/latest')
  for (const path of ['/v2', '/v2/', '/v2/library/alpine/manifests/latest']) {
    const unknown = await mirror.get(`/nobody${path}`)
    const answer = await mirror.get(`/api${path}`)
    expect([answer.status, answer.code], path).toEqual([unknown.status, unknown.code])
    expect(answer.text.replace('api', 'nobody')).toBe(unknown.text)
  }
  expect(loads()).toBe(0)
})

test('no pull, page or check loads it; the first who asks for it does, once', async () => {
  const { mirror, ask, loads } = createAdminWorld()
  for (const path of [
    manifest,
    '/v2/',
    '/',
    '/healthz',
    '/readyz',
    '/metrics',
    '/token',
    '/nothing',
  ])
    await mirror.get(path, alice)
  expect(loads()).toBe(0)
  await ask(api)
  await ask('/api/docs')
  expect(loads()).toBe(1)
})
