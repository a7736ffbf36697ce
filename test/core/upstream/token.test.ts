import { describe, expect, test } from 'vitest'
import { createMemoryKeyValue } from '@pullway/memory'
import type { Hop } from '../../../core/src/upstream/exchange.ts'
import {
  basicAuthorization,
  createTokenSource,
  type Token,
  type TokenRequest,
} from '../../../core/src/upstream/token.ts'
import { createFakeClock } from '../../fakes/clock.ts'
import { rejectionOf } from '../support/caught.ts'
import { createHasher } from '../support/hashing.ts'

const plain: TokenRequest = {
  upstream: 'docker.io',
  realm: new URL('https://auth.docker.io/token'),
  service: 'registry.docker.io',
  scope: 'repository:library/app:pull',
  credentials: undefined,
}
const alice = { username: 'alice', password: 'p:ä"' }

function settle(answer: (hop: Hop) => Response | Promise<Response> = () => fields({ token: 't' })) {
  const clock = createFakeClock()
  const volatile = createMemoryKeyValue({ clock })
  const tokens = createTokenSource({ volatile, createHasher, clock, limitMs: 14_000 })
  const hops: Hop[] = []
  const get = (wanted: Partial<TokenRequest> = {}): Promise<Token> =>
    tokens.get({ ...plain, ...wanted }, async (hop) => {
      hops.push(hop)
      return answer(hop)
    })
  return { clock, volatile, tokens, hops, get }
}

function fields(given: Readonly<Record<string, unknown>>): Response {
  return Response.json(given)
}

describe('the request', () => {
  test('is a GET with service and scope', async () => {
    const { hops, get } = settle()
    await get()
    expect(hops).toEqual([
      {
        method: 'GET',
        url: new URL(
          'https://auth.docker.io/token?service=registry.docker.io&scope=repository%3Alibrary%2Fapp%3Apull',
        ),
        headers: {},
      },
    ])
  })

  test('leaves out what is not known, and keeps what the realm brings', async () => {
    const { hops, get } = settle()
    await get({
      realm: new URL('https://a.example.com/t?tenant=1'),
      service: undefined,
      scope: undefined,
    })
    expect(hops[0]!.url.href).toBe('https://a.example.com/t?tenant=1')
  })

  test('carries credentials as Basic, and the account', async () => {
    const { hops, get } = settle()
    await get({ credentials: alice })
    expect(hops[0]!.url.searchParams.get('account')).toBe('alice')
    expect(hops[0]!.headers).toEqual({ authorization: basicAuthorization(alice) })
  })
})

test('Basic is UTF-8 in base64', () => {
  const [scheme, value = ''] = basicAuthorization(alice).split(' ')
  expect(scheme).toBe('Basic')
  expect(Buffer.from(value, 'base64').toString('utf8')).toBe('alice:p:ä"')
})

describe('the answer', () => {
  test.each([
    [{ token: 'a' }, 'a'],
    [{ access_token: 'b' }, 'b'],
    [{ token: 'a', access_token: 'b' }, 'a'],
    [{ token: '', access_token: 'b' }, 'b'],
    [{ token: null, access_token: 'b' }, 'b'],
    [{ token: 'ab+/=._~-' }, 'ab+/=._~-'],
  ])('%j gives %s', async (given, value) => {
    const { get } = settle(() => fields(given))
    expect(await get()).toEqual({ value, isRemembered: false })
  })

  test.each([
    ['no field', () => fields({})],
    ['an empty one', () => fields({ token: '', access_token: '' })],
    ['a number', () => fields({ token: 5 })],
    ['a line break', () => fields({ token: 'a\r\nx-injected: 1' })],
    ['a blank', () => fields({ token: 'a b' })],
    ['more than ASCII', () => fields({ token: 'ä' })],
    ['a page', () => new Response('<html>')],
    ['nothing', () => new Response(null)],
    ['null', () => new Response('null')],
    ['a list', () => new Response('[]')],
    ['too much', () => fields({ token: 'x'.repeat(300_000) })],
    ['a redirect', () => new Response(null, { status: 307, headers: { location: '/' } })],
    ['204', () => new Response(null, { status: 204 })],
    ['503', () => new Response('', { status: 503 })],
  ])('%s is trouble, and nothing is kept', async (_, answer) => {
    const { hops, get } = settle(answer)
    for (const count of [1, 2]) {
      expect(await rejectionOf(get())).toMatchObject({
        name: 'UpstreamTrouble',
        reason: 'server-error',
      })
      expect(hops).toHaveLength(count)
    }
  })

  test.each([
    [429, 'rate-limited'],
    [408, 'timeout'],
    [504, 'timeout'],
  ])('%i is %s', async (status, reason) => {
    const { get } = settle(() => new Response('', { status }))
    expect(await rejectionOf(get())).toMatchObject({ name: 'UpstreamTrouble', reason })
  })

  test.each([
    [401, '{"details":"incorrect username or password"}', ': "incorrect username or password"'],
    [403, '{"errors":[{"code":"DENIED","message":"denied"}]}', ': "denied"'],
    [404, 'page', ''],
  ])('%i is a refusal, in its own words', async (status, body, words) => {
    const { get } = settle(() => new Response(body, { status }))
    expect(await rejectionOf(get())).toMatchObject({
      name: 'TokenRefused',
      message: `auth.docker.io answered ${status}${words}`,
    })
  })
})

describe('the life', () => {
  // The margin is a tenth of the life, and 10 s at least.
  test.each<[unknown, number]>([
    [300, 270],
    ['300', 270],
    [undefined, 50],
    [null, 50],
    [60, 50],
    [1, 50],
    [0, 50],
    [-300, 50],
    ['soon', 50],
    [{}, 50],
    [43_200, 38_880],
    [1e9, 38_880],
    ['1e400', 50],
  ])('expires_in %j is kept for %i s', async (expiresIn, seconds) => {
    const { clock, hops, get } = settle(() => fields({ token: 't', expires_in: expiresIn }))
    await get()
    await clock.advance(seconds * 1000 - 1)
    expect(await get()).toEqual({ value: 't', isRemembered: true })
    expect(hops).toHaveLength(1)
    await clock.advance(1)
    expect((await get()).isRemembered).toBe(false)
    expect(hops).toHaveLength(2)
  })
})

describe('the key', () => {
  test.each<[string, Partial<TokenRequest>]>([
    ['upstream', { upstream: 'ghcr.io' }],
    ['realm', { realm: new URL('https://auth.docker.io/token2') }],
    ['service', { service: 'other' }],
    ['no service', { service: undefined }],
    ['scope', { scope: 'repository:library/other:pull' }],
    ['credentials', { credentials: alice }],
    ['user', { credentials: { ...alice, username: 'bob' } }],
    ['password', { credentials: { ...alice, password: 'other' } }],
  ])('tells one %s from another', async (_, other) => {
    const { hops, get } = settle()
    await get(other.credentials ? { credentials: { username: 'alice', password: 'x' } } : {})
    await get(other)
    expect(hops).toHaveLength(2)
    expect((await get(other)).isRemembered).toBe(true)
  })

  test('shows no credentials', async () => {
    const keys: string[] = []
    const { volatile, clock } = settle()
    const watched = { ...volatile, get: (key: string) => (keys.push(key), volatile.get(key)) }
    const tokens = createTokenSource({
      volatile: watched,
      createHasher,
      clock,
      limitMs: 14_000,
    })
    await tokens.get({ ...plain, credentials: alice }, async () => fields({ token: 't' }))
    expect(keys).toEqual([expect.stringMatching(/^token\/[0-9a-f]{64}$/)])
  })
})

describe('at once', () => {
  test('many ask with one request', async () => {
    let give: (response: Response) => void = () => undefined
    const { hops, get } = settle(() => new Promise((resolve) => (give = resolve)))
    const all = Promise.all(Array.from({ length: 20 }, () => get()))
    await new Promise(setImmediate)
    give(fields({ token: 't' }))
    expect(new Set((await all).map(({ value }) => value))).toEqual(new Set(['t']))
    expect(hops).toHaveLength(1)
  })

  test('a failure is everybody’s, and the next one asks again', async () => {
    let isDown = true
    const { hops, get } = settle(() =>
      isDown ? new Response('', { status: 500 }) : fields({ token: 't' }),
    )
    const results = await Promise.allSettled([get(), get(), get()])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    expect(hops).toHaveLength(1)
    isDown = false
    expect((await get()).value).toBe('t')
  })
})

test('a forgotten token is asked for again, others stay', async () => {
  const { tokens, hops, get } = settle()
  await get()
  await get({ scope: 'repository:library/other:pull' })
  await tokens.forget(plain)
  expect((await get()).isRemembered).toBe(false)
  expect((await get({ scope: 'repository:library/other:pull' })).isRemembered).toBe(true)
  expect(hops).toHaveLength(3)
})
