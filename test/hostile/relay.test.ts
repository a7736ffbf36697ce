import { describe, expect, test } from 'vitest'
import { readAnswer } from '../fakes/mirror.ts'
import { basicOf, createRelayWorld, secret } from '../pull/relay-world.ts'

const scope = 'repository:registry.test/private/app:pull'
const manifest = '/v2/registry.test/private/app/manifests/latest'
const blob = `/v2/registry.test/private/app/blobs/${secret.blobs[0]!.digest}`

function container(value: unknown): string {
  return `Bearer pullway-relay.${Buffer.from(JSON.stringify(value)).toString('base64url')}`
}

describe('a realm that is not the upstream’s', () => {
  test.each([
    'https://evil.example/token',
    'https://registry.test.evil.example/token',
    'http://auth.registry.test/token',
    'https://user:pass@auth.registry.test/token',
    'https://169.254.169.254/token',
    'https://localhost/token',
    'https://evilregistry.test/token',
    'file:///etc/passwd',
    'javascript:alert(1)',
    '//evil.example/token',
    '',
  ])('is never shown a login: %s', async (realm) => {
    const { mirror, registry } = createRelayWorld({ settings: { realm } })
    const login = { authorization: basicOf('owner') }
    await mirror.drive(mirror.get(`/token?service=registry.test&scope=${scope}`, login))
    const shown = registry.calls.filter(({ headers }) => headers.has('authorization'))
    expect(shown).toEqual([])
    expect(registry.calls.every(({ url }) => url.host === 'registry.test')).toBe(true)
  })

  test.each([302, 307, 308])('is not followed to: %i', async (status) => {
    const { mirror, registry } = createRelayWorld()
    registry.change({
      instead: ({ url }) =>
        url.host === 'auth.registry.test'
          ? new Response(null, { status, headers: { location: 'https://evil.example/token' } })
          : undefined,
    })
    const answer = await mirror.get(`/token?service=registry.test&scope=${scope}`, {
      authorization: basicOf('owner'),
    })
    expect(answer.status).toBe(503)
    expect(registry.calls.some(({ url }) => url.host === 'evil.example')).toBe(false)
  })
})

describe('a caller’s token', () => {
  const forged: readonly [string, string][] = [
    ['no token of ours', 'Bearer token-owner-0'],
    ['nothing', 'Bearer pullway-relay.'],
    ['no base64', 'Bearer pullway-relay.%%%%'],
    ['no JSON', `Bearer pullway-relay.${Buffer.from('[[').toString('base64url')}`],
    ['an object', container({ 'registry.test': 'x' })],
    ['null', container(null)],
    ['a list of null', container([null])],
    ['a number', container([['registry.test', 'Bearer', 1]])],
    ['another scheme', container([['registry.test', 'Digest', 'x']])],
    ['a line break', container([['registry.test', 'Bearer', 'x\r\nx-evil: 1']])],
    ['a blank', container([['registry.test', 'Bearer', 'x y']])],
    ['a control character', container([['registry.test', 'Bearer', 'x\u0000']])],
    ['an umlaut', container([['registry.test', 'Bearer', 'ü']])],
    ['an empty token', container([['registry.test', 'Bearer', '']])],
    ['a giant', container([['registry.test', 'Bearer', 'x'.repeat(40_000)]])],
    ['a prototype', container([['__proto__', 'Bearer', 1]])],
    [
      'deep nesting',
      `Bearer pullway-relay.${Buffer.from('['.repeat(9_000)).toString('base64url')}`,
    ],
    ['two schemes', 'Bearer Bearer x'],
    ['Digest', 'Digest username="owner"'],
    ['a list', 'Bearer a, Bearer b'],
  ]

  test.each(forged)('that was made up reaches no upstream: %s', async (_, authorization) => {
    const { mirror, registry } = createRelayWorld()
    for (const path of [manifest, blob, '/v2/']) {
      expect((await mirror.get(path, { authorization })).status, path).toBe(401)
    }
    expect(registry.calls).toEqual([])
  })

  test.each([
    ['for another upstream', [['ghcr.io', 'Bearer', 'token-owner-0']]],
    ['for none', []],
    ['that expired', [['registry.test', 'Bearer', 'token-owner-99']]],
    ['that is a login', [['registry.test', 'Basic', 'b3duZXI6eA==']]],
  ])('%s opens nothing that is cached', async (_, list) => {
    const { mirror, registry, login } = createRelayWorld()
    const owner = { authorization: await login('owner', scope) }
    await mirror.get(manifest, owner)
    await mirror.get(blob, owner)
    await mirror.settle()
    const authorization = container(list)
    const before = registry.calls.length
    expect((await mirror.get(manifest, { authorization })).status).toBe(401)
    expect((await mirror.get(blob, { authorization })).status).toBe(401)
    const shown = registry.calls.slice(before).map(({ headers }) => headers.get('authorization'))
    expect(shown).not.toContain('Bearer token-owner-0')
  })

  test('reaches no other upstream', async () => {
    const { mirror, registry, login } = createRelayWorld()
    const authorization = await login('owner', scope)
    registry.takeLines()
    await mirror.get('/v2/docker.io/library/alpine/manifests/latest', { authorization })
    await mirror.get('/v2/ghcr.io/owner/app/manifests/latest', { authorization })
    const shown = registry.calls.filter(
      ({ url, headers }) => url.host !== 'auth.registry.test' && headers.has('authorization'),
    )
    expect(shown).toEqual([])
  })

  test.each([
    'https://cdn.registry.test/blob',
    'https://cdn.example/blob?sig=1',
    'https://evil.example/v2/private/app/blobs/x',
  ])('does not follow a redirect to %s', async (location) => {
    const { mirror, registry, login } = createRelayWorld()
    const authorization = await login('owner', scope)
    registry.change({
      instead: ({ url, method }) => {
        if (url.href === location) return new Response(new Uint8Array(secret.blobs[0]!.bytes))
        if (method !== 'GET' || !url.pathname.includes('/blobs/')) return undefined
        return new Response(null, { status: 307, headers: { location } })
      },
    })
    const answer = await mirror.get(blob, { authorization })
    expect(answer.status).toBe(200)
    const there = registry.calls.filter(({ url }) => url.href === location)
    expect(there.map(({ headers }) => headers.get('authorization'))).toEqual([null])
  })

  test('is in no log line and in no message', async () => {
    const { mirror, login } = createRelayWorld()
    const authorization = await login('owner', scope)
    const stranger = await login('stranger', scope)
    const texts: string[] = []
    for (const header of [
      authorization,
      stranger,
      basicOf('owner'),
      basicOf('owner', 'hunter-2'),
    ]) {
      for (const path of [manifest, blob, '/v2/', '/metrics'])
        texts.push((await mirror.drive(mirror.get(path, { authorization: header }))).text)
    }
    const all = [...mirror.logged, ...texts].join('\n')
    for (const part of ['token-owner-', 'owner-password', 'hunter-2', authorization, stranger])
      expect(all).not.toContain(part)
  })

  test('opens nothing when one letter of it is another', async () => {
    const { mirror, registry, login } = createRelayWorld()
    const owner = await login('owner', scope)
    await mirror.get(manifest, { authorization: owner })
    registry.change({ instead: () => new Error('the upstream is away') })
    const almost = `${owner.slice(0, -1)}${owner.endsWith('A') ? 'Q' : 'A'}`
    expect((await mirror.get(manifest, { authorization: almost })).status).not.toBe(200)
  })
})

describe('the token endpoint', () => {
  const names = [
    'repository:private/app:pull\r\nx-evil: 1',
    'repository:registry.test/private/app"evil:pull',
    'repository:https://evil.example/x:pull',
    'repository:registry.test/../secrets:pull',
    'repository:registry.test/private/app%2f..:pull',
    'repository:registry.test//private/app:pull',
    `repository:registry.test/${'a'.repeat(600)}:pull`,
    'repository:registry.test/private/app:pull;drop',
    'repository::pull',
    'repository:registry.test/private/app',
    '::',
    ':'.repeat(5_000),
  ]

  test.each(names)('asks for nothing by the scope %j', async (text) => {
    const { mirror, registry } = createRelayWorld()
    await mirror.get(`/token?service=registry.test&scope=${encodeURIComponent(text)}`)
    const asked = registry.calls.filter(({ url }) => url.host === 'auth.registry.test')
    expect(asked.flatMap(({ url }) => url.searchParams.getAll('scope'))).toEqual([])
    expect(registry.calls.every(({ url }) => url.host.endsWith('registry.test'))).toBe(true)
  })

  test.each(['evil.example', '169.254.169.254'])(
    'takes %s in a scope for a repository of the upstream',
    async (host) => {
      const { registry, login } = createRelayWorld()
      await login('owner', `repository:${host}/x:pull`)
      expect(registry.calls.every(({ url }) => url.host.endsWith('registry.test'))).toBe(true)
    },
  )

  test.each(['ghcr.io', 'evil.example', '__proto__', 'registry.test\r\nx: 1', '', '*'])(
    'sends no login to what is no relay upstream: service %j',
    async (service) => {
      const { mirror, registry } = createRelayWorld({ config: { publicUrl: 'http://mirror.test' } })
      const query = new URLSearchParams({ service, scope: 'repository:ghcr.io/owner/app:pull' })
      await mirror.get(`/token?${query.toString()}`, { authorization: basicOf('owner') })
      expect(registry.calls).toEqual([])
    },
  )

  test.each([
    ['no token', {}],
    ['an empty token', { token: '' }],
    ['a token with a line break', { token: 'x\r\ny: 1' }],
    ['a giant token', { token: 'x'.repeat(20_000) }],
    ['a number', { token: 7 }],
    ['an array', []],
    ['null', null],
  ])('takes from the upstream no answer with %s', async (_, body) => {
    const { mirror, registry } = createRelayWorld()
    registry.change({
      instead: ({ url }) => (url.host === 'auth.registry.test' ? Response.json(body) : undefined),
    })
    const answer = await mirror.get(`/token?service=registry.test&scope=${scope}`)
    expect([answer.status, answer.code]).toEqual([503, 'UNAVAILABLE'])
  })

  test.each(['PUT', 'DELETE', 'PATCH'])('takes no %s', async (method) => {
    const { mirror } = createRelayWorld()
    const answer = await readAnswer(await mirror.fetch('/token', { method }))
    expect(answer.status).toBe(405)
  })
})
