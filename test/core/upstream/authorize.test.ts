import { describe, expect, test } from 'vitest'
import { basicAuthorization } from '../../../core/src/upstream/token.ts'
import { createAuthWorld } from '../support/auth-world.ts'
import { rejectionOf } from '../support/caught.ts'
import { type Call, type Play, unauthorized } from '../support/scripted-fetch.ts'

const app = 'https://registry.example.com/v2/app/manifests/latest'
const realm = 'https://auth.example.com/token'
const bearer = `Bearer realm="${realm}",service="registry"`
const alice = { username: 'alice', password: 'secret' }

/** A registry whose realm gives one token after another, of which the last few are good. */
function playRegistry(
  options: { challenge?: readonly string[]; isGood?: (n: number) => boolean } = {},
) {
  const { challenge = [bearer], isGood = () => true } = options
  const realms: Call[] = []
  const play: Play = (call) => {
    if (call.url.pathname === '/token') {
      realms.push(call)
      return Response.json({ token: `t${realms.length}`, expires_in: 300 })
    }
    const token = /^Bearer t(\d+)$/.exec(call.headers.get('authorization') ?? '')?.[1]
    return token !== undefined && isGood(Number(token))
      ? new Response('content')
      : unauthorized(...challenge)
  }
  return { play, realms }
}

describe('round trips', () => {
  test('three the first time, two for the next repository, one after', async () => {
    const { play, realms } = playRegistry()
    const world = createAuthWorld({ play })
    expect((await world.get(app)).status).toBe(200)
    expect(world.trail()).toEqual([
      'registry.example.com/v2/app/manifests/latest',
      'auth.example.com/token',
      'registry.example.com/v2/app/manifests/latest Bearer t1',
    ])
    await world.get(app)
    expect(world.trail().slice(3)).toEqual([
      'registry.example.com/v2/app/manifests/latest Bearer t1',
    ])
    const other = 'https://registry.example.com/v2/other/tags/list'
    await world.get(other, 'repository:other:pull')
    expect(world.trail().slice(4)).toEqual([
      'auth.example.com/token',
      'registry.example.com/v2/other/tags/list Bearer t2',
    ])
    expect(realms.map(({ url }) => url.searchParams.get('scope'))).toEqual([
      'repository:app:pull',
      'repository:other:pull',
    ])
    expect(realms[0]!.url.searchParams.get('service')).toBe('registry')
  })

  test('an open registry costs one', async () => {
    const world = createAuthWorld({ play: () => new Response('open') })
    await world.get(app)
    expect(world.trail()).toHaveLength(1)
  })

  test('after a day the challenge is learnt anew', async () => {
    const world = createAuthWorld({ play: playRegistry().play })
    await world.get(app)
    await world.clock.advance(24 * 3600 * 1000)
    await world.get(app)
    expect(world.trail()).toHaveLength(6)
  })
})

describe('a refused token', () => {
  test('that was remembered may have been revoked: one new one', async () => {
    let revoked = 0
    const world = createAuthWorld({ play: playRegistry({ isGood: (n) => n > revoked }).play })
    await world.get(app)
    revoked = 1
    expect((await world.get(app)).status).toBe(200)
    expect(world.trail().slice(3)).toEqual([
      'registry.example.com/v2/app/manifests/latest Bearer t1',
      'auth.example.com/token',
      'registry.example.com/v2/app/manifests/latest Bearer t2',
    ])
  })

  test('that was new is the last word', async () => {
    const world = createAuthWorld({ play: playRegistry({ isGood: () => false }).play })
    expect((await world.get(app)).status).toBe(401)
    expect(world.trail()).toHaveLength(3)
    expect((await world.get(app)).status).toBe(401)
    expect(world.trail()).toHaveLength(6)
  })

  test('that a moved realm explains is asked there', async () => {
    const challenge = [bearer]
    const { play } = playRegistry({ challenge })
    const world = createAuthWorld({
      play: (call) =>
        call.url.pathname === '/v3/token' ? Response.json({ token: 't9' }) : play(call),
    })
    await world.state.set(
      'challenge/registry.example.com/https://registry.example.com/v2',
      JSON.stringify({ scheme: 'bearer', realm: 'https://auth.example.com/token' }),
      3600,
    )
    challenge[0] = 'Bearer realm="https://auth.example.com/v3/token"'
    expect((await world.get(app)).status).toBe(200)
    expect(world.trail()).toEqual([
      'auth.example.com/token',
      'registry.example.com/v2/app/manifests/latest Bearer t1',
    ])
  })
})

describe('a realm on a stranger’s host', () => {
  const stranger = 'Bearer realm="https://evil.example.net/token",service="registry"'

  test.each([
    stranger,
    'Bearer realm="http://auth.example.com/token"',
    'Bearer realm="https://u:p@auth.example.com/token"',
    'Bearer realm="http://169.254.169.254/token"',
    'Bearer realm="/token"',
    'Bearer realm=""',
    'Bearer',
    'Negotiate',
  ])('is never asked: %s', async (challenge) => {
    const { play } = playRegistry({ challenge: [challenge] })
    const world = createAuthWorld({ play, credentials: alice })
    expect((await world.get(app)).status).toBe(401)
    expect(world.trail()).toHaveLength(1)
  })

  test('not even when it was remembered', async () => {
    const world = createAuthWorld({ play: playRegistry().play, credentials: alice })
    await world.state.set(
      'challenge/registry.example.com/https://registry.example.com/v2',
      JSON.stringify({ scheme: 'bearer', realm: 'https://evil.example.net/token' }),
      3600,
    )
    await world.get(app)
    expect(world.trail().some((line) => line.includes('evil'))).toBe(false)
  })

  test('makes way for another challenge that is not', async () => {
    const world = createAuthWorld({ play: playRegistry({ challenge: [stranger, bearer] }).play })
    expect((await world.get(app)).status).toBe(200)
    expect(world.trail()[1]).toBe('auth.example.com/token')
  })

  test('is asked when the operator trusts it', async () => {
    const world = createAuthWorld({
      play: playRegistry({ challenge: [stranger] }).play,
      upstream: { trustedHosts: ['evil.example.net'] },
    })
    expect((await world.get(app)).status).toBe(200)
    expect(world.script.calls[1]).toMatchObject({ network: 'any' })
  })
})

describe('credentials', () => {
  const basic = 'Basic realm="Registry Realm"'
  const playBasic: Play = ({ headers }) =>
    headers.get('authorization') === basicAuthorization(alice)
      ? new Response('content')
      : unauthorized(basic)

  test('go to the realm, not to the registry, with Bearer', async () => {
    const world = createAuthWorld({ play: playRegistry().play, credentials: alice })
    await world.get(app)
    expect(world.trail()).toEqual([
      'registry.example.com/v2/app/manifests/latest',
      `auth.example.com/token ${basicAuthorization(alice)}`,
      'registry.example.com/v2/app/manifests/latest Bearer t1',
    ])
  })

  test('go to the registry with Basic: two round trips, then one', async () => {
    const world = createAuthWorld({ play: playBasic, credentials: alice })
    expect((await world.get(app)).status).toBe(200)
    expect(world.trail()).toHaveLength(2)
    expect((await world.get(app)).status).toBe(200)
    expect(world.trail()).toHaveLength(3)
  })

  test('that are wrong are tried once', async () => {
    const world = createAuthWorld({
      play: playBasic,
      credentials: { username: 'alice', password: 'wrong' },
    })
    expect((await world.get(app)).status).toBe(401)
    expect(world.trail()).toHaveLength(2)
    expect((await world.get(app)).status).toBe(401)
    expect(world.trail()).toHaveLength(3)
  })

  test('are not there: Basic cannot be met', async () => {
    const world = createAuthWorld({ play: playBasic })
    expect((await world.get(app)).status).toBe(401)
    expect(world.trail()).toHaveLength(1)
  })

  test.each([
    ['several header lines', [basic, bearer]],
    ['one line', [`${basic}, ${bearer}`]],
    ['the other order', [`${bearer}, ${basic}`]],
  ])('Bearer is preferred: %s', async (_, challenge) => {
    const world = createAuthWorld({ play: playRegistry({ challenge }).play, credentials: alice })
    expect((await world.get(app)).status).toBe(200)
    expect(world.trail()[1]).toMatch(/^auth\.example\.com\/token /)
  })

  test('a challenge in the state holds none', async () => {
    const world = createAuthWorld({ play: playRegistry().play, credentials: alice })
    await world.get(app)
    const key = 'challenge/registry.example.com/https://registry.example.com/v2'
    expect(await world.state.get(key)).not.toMatch(/alice|secret|t1/)
  })
})

describe('another registry that we were redirected to', () => {
  const there = 'https://backend.example.org/v2/images/app/manifests/latest'
  const challenges: Readonly<Record<string, string>> = {
    'backend.example.org': 'Bearer realm="https://backend.example.org/token"',
    'cdn.example.net': 'Basic realm="storage"',
  }
  const play: Play = ({ url, headers }) => {
    if (url.pathname === '/token') return Response.json({ token: 'other' })
    return headers.get('authorization') === 'Bearer other'
      ? new Response('content')
      : unauthorized(challenges[url.host] ?? bearer)
  }

  test('gets a token of its own realm for its own name, and nothing of ours', async () => {
    const world = createAuthWorld({ play, credentials: alice })
    expect((await world.get(there)).status).toBe(200)
    expect(world.trail()).toEqual([
      'backend.example.org/v2/images/app/manifests/latest',
      'backend.example.org/token',
      'backend.example.org/v2/images/app/manifests/latest Bearer other',
    ])
    expect(world.script.calls[1]!.url.searchParams.get('scope')).toBe('repository:images/app:pull')
    expect(world.script.calls.every(({ network }) => network === 'public')).toBe(true)
  })

  test('cannot have our credentials by asking for Basic', async () => {
    const world = createAuthWorld({ play, credentials: alice })
    expect((await world.get('https://cdn.example.net/x')).status).toBe(401)
    expect(world.trail()).toEqual(['cdn.example.net/x'])
  })

  test('cannot name our realm to have our token', async () => {
    const world = createAuthWorld({ play: playRegistry().play, credentials: alice })
    await world.get(app)
    const before = world.trail().length
    expect((await world.get('https://cdn.example.net/v2/app/blobs/x')).status).toBe(401)
    expect(world.trail().slice(before)).toEqual(['cdn.example.net/v2/app/blobs/x'])
  })
})

test('own hosts may be private, others may not', async () => {
  const world = createAuthWorld({ play: () => new Response() })
  await world.get(app)
  await world.get('https://cdn.example.net/x')
  expect(world.script.calls.map(({ network }) => network)).toEqual(['any', 'public'])
})

test('a realm that refuses says so', async () => {
  const world = createAuthWorld({
    play: ({ url }) =>
      url.pathname === '/token' ? new Response('', { status: 403 }) : unauthorized(bearer),
  })
  expect(await rejectionOf(world.get(app))).toMatchObject({ name: 'TokenRefused' })
})
