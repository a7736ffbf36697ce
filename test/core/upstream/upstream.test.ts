import { describe, expect, test } from 'vitest'
import { FetchError } from '@pullway/core'
import type { Target } from '../../../core/src/request/parse.ts'
import type { Question } from '../../../core/src/upstream/question.ts'
import { digestOf, makeBytes } from '../../contract/content.ts'
import { rejectionOf } from '../support/caught.ts'
import { createControlledBody } from '../support/controlled-body.ts'
import { hang, redirectTo, type Play, unauthorized } from '../support/scripted-fetch.ts'
import { createUpstreamWorld } from '../support/upstream-world.ts'

const digest = digestOf(makeBytes(1))
const latest: Target = { kind: 'manifest', reference: { type: 'tag', tag: 'latest' } }
const root = 'https://registry.example.com/v2/owner/app'

function settle(play: Play, config = {}) {
  const world = createUpstreamWorld(play, config)
  const ask = (given: Partial<Question> = {}): Promise<Response> =>
    world.upstream.ask(
      {
        method: 'GET',
        repository: 'owner/app',
        target: latest,
        deadline: world.deadline(),
        ...given,
      },
      (response) => response,
    )
  return { ...world, ask }
}

const trouble = (reason: string) => ({ name: 'UpstreamTrouble', reason })

test.each<[Partial<Question>, string]>([
  [{}, `GET ${root}/manifests/latest`],
  [{ method: 'HEAD' }, `HEAD ${root}/manifests/latest`],
  [
    { target: { kind: 'manifest', reference: { type: 'digest', digest } } },
    `GET ${root}/manifests/${digest}`,
  ],
  [{ target: { kind: 'blob', digest } }, `GET ${root}/blobs/${digest}`],
  [{ target: { kind: 'referrers', digest } }, `GET ${root}/referrers/${digest}`],
  [{ target: { kind: 'tags' }, query: 'n=5&last=a%2Fb' }, `GET ${root}/tags/list?n=5&last=a%2Fb`],
  [{ target: { kind: 'tags' }, query: '' }, `GET ${root}/tags/list`],
])('%j is %s', async (question, line) => {
  const { script, ask } = settle(() => new Response())
  await ask(question)
  expect(script.takeLines()).toEqual([line])
})

test('an endpoint with a path keeps it', async () => {
  const endpoints = [
    { url: 'https://art.example.com/v2/docker-remote', credentials: undefined, accounts: [] },
  ]
  const { script, ask } = settle(() => new Response(), { endpoints })
  await ask()
  expect(script.takeLines()).toEqual([
    'GET https://art.example.com/v2/docker-remote/owner/app/manifests/latest',
  ])
})

test('headers go along, the quota is noted', async () => {
  const { script, metrics, ask } = settle(
    () => new Response('', { headers: { 'ratelimit-limit': '100;w=3600' } }),
  )
  await ask({ headers: { accept: 'application/json' } })
  expect(script.calls[0]!.headers.get('accept')).toBe('application/json')
  expect(metrics.render()).toContain(
    'pullway_upstream_quota_limit{upstream="registry.example.com",endpoint="registry.example.com"} 100',
  )
})

describe('an answer without the content', () => {
  test('becomes what it means, and is remembered when it is a no', async () => {
    const { clock, script, ask } = settle(() => new Response('', { status: 404 }))
    for (let count = 0; count < 3; count += 1)
      expect(await rejectionOf(ask())).toMatchObject({ code: 'MANIFEST_UNKNOWN' })
    expect(script.calls).toHaveLength(1)
    // Another question is another matter.
    await rejectionOf(ask({ method: 'HEAD' }))
    await rejectionOf(ask({ headers: { accept: 'x' } }))
    await rejectionOf(ask({ repository: 'owner/other' }))
    expect(script.calls).toHaveLength(4)
    await clock.advance(10_000)
    await rejectionOf(ask())
    expect(script.calls).toHaveLength(5)
  })

  test('is asked for again when it was trouble', async () => {
    const { script, ask } = settle(() => new Response('', { status: 500 }))
    for (const count of [1, 2]) {
      expect(await rejectionOf(ask())).toMatchObject(trouble('server-error'))
      expect(script.calls).toHaveLength(count)
    }
  })

  test('is the answer all the same when the asker takes it', async () => {
    const { ask } = settle(() => new Response('', { status: 416 }))
    expect((await ask({ alsoTake: [206, 416] })).status).toBe(416)
    expect(await rejectionOf(ask({ alsoTake: [206] }))).toMatchObject({ name: 'RegistryError' })
  })

  test('from the realm is a refusal too', async () => {
    const challenge = 'Bearer realm="https://registry.example.com/token"'
    const { script, ask } = settle(({ url }) =>
      url.pathname === '/token'
        ? new Response('{"details":"no"}', { status: 401 })
        : unauthorized(challenge),
    )
    for (let count = 0; count < 2; count += 1) {
      const error = await rejectionOf(ask())
      expect(error).toMatchObject({ code: 'DENIED', status: 403 })
      expect((error as Error).message).toContain('answered 401: "no"')
    }
    expect(script.calls).toHaveLength(2)
  })
})

describe('time', () => {
  test('the whole has one deadline, however many hops', async () => {
    const world = settle(async ({ url }) => {
      await world.clock.sleep(6_000)
      return redirectTo(`${url.href}x`)
    })
    const error = rejectionOf(world.ask())
    await world.clock.advance(14_000)
    expect(await error).toMatchObject(trouble('timeout'))
    expect(world.script.calls).toHaveLength(3)
    // The hop that was under way is given up, and no other follows.
    await world.clock.advance(60_000)
    expect(world.script.calls).toHaveLength(3)
    expect(world.script.calls[2]!.signal.aborted).toBe(true)
  })

  test('a host that is silent is given up after the first-byte limit', async () => {
    const { clock, ask } = settle(hang)
    const error = rejectionOf(ask())
    await clock.advance(10_000)
    expect(await error).toMatchObject(trouble('timeout'))
  })

  test('a body that the asker reads has the deadline, one that it hands on has not', async () => {
    const body = createControlledBody()
    const { clock, script, upstream, deadline, ask } = settle(() => new Response(body.stream))
    const question = {
      method: 'GET',
      repository: 'a',
      target: latest,
      deadline: deadline(),
    } as const
    const reading = rejectionOf(
      upstream.ask(question, async (_, signal) => {
        await new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error))
        })
      }),
    )
    await clock.advance(14_000)
    expect(await reading).toMatchObject(trouble('timeout'))
    const response = await ask()
    await clock.advance(60_000)
    expect(script.calls[1]!.signal.aborted).toBe(false)
    body.push(makeBytes(3))
    body.end()
    expect((await response.arrayBuffer()).byteLength).toBe(3)
  })

  test('one caller’s deadline is not that of another who joined its token', async () => {
    const challenge = 'Bearer realm="https://registry.example.com/token"'
    const world = settle(async ({ url, headers }) => {
      if (url.pathname === '/token') {
        await world.clock.sleep(6_000)
        return Response.json({ token: 't' })
      }
      if (headers.has('authorization')) return new Response('content')
      await world.clock.sleep(9_000)
      return unauthorized(challenge)
    })
    const leader = rejectionOf(world.ask())
    await world.clock.advance(10_000)
    const follower = Promise.allSettled([world.ask()])
    await world.clock.advance(4_000)
    expect(await leader).toMatchObject(trouble('timeout'))
    await world.clock.advance(8_000)
    expect(await follower).toMatchObject([{ status: 'fulfilled', value: { status: 200 } }])
  })
})

describe('being troubled', () => {
  test.each([
    ['a server error', () => new Response('', { status: 502 }), true],
    ['no connection', () => Promise.reject(new FetchError('unreachable', 'gone')), true],
    ['a rate limit', () => new Response('', { status: 429 }), false],
    ['an unknown', () => new Response('', { status: 404 }), false],
    ['an answer', () => new Response(''), false],
  ])('after %s', async (_, answer, expected) => {
    const { clock, upstream, ask } = settle(answer)
    expect(upstream.isTroubled()).toBe(false)
    await ask().catch(() => undefined)
    expect(upstream.isTroubled()).toBe(expected)
    await clock.advance(10_000)
    expect(upstream.isTroubled()).toBe(false)
  })

  test('ends with the first answer', async () => {
    let isDown = true
    const { upstream, ask } = settle(() => new Response('', { status: isDown ? 500 : 200 }))
    await rejectionOf(ask())
    isDown = false
    await ask()
    expect(upstream.isTroubled()).toBe(false)
  })
})

describe('redirects', () => {
  test('carry no Authorization to another origin, and all other headers', async () => {
    const { script, ask } = settle(({ url, headers }) => {
      if (url.pathname === '/token') return Response.json({ token: 't' })
      if (url.host === 'cdn.example.net') return new Response('content')
      return headers.has('authorization')
        ? redirectTo('https://cdn.example.net/x?sig=1')
        : unauthorized('Bearer realm="https://registry.example.com/token"')
    })
    await ask({ target: { kind: 'blob', digest }, headers: { range: 'bytes=1-2' } })
    const last = script.calls.at(-1)!
    expect(last.line).toBe('GET https://cdn.example.net/x?sig=1')
    expect(last.network).toBe('public')
    expect(last.headers.get('authorization')).toBeNull()
    expect(last.headers.get('cookie')).toBeNull()
    expect(last.headers.get('range')).toBe('bytes=1-2')
  })

  test.each([
    ['https://10.0.0.7/x', 'server-error'],
    ['http://registry.example.com/x', 'unreachable'],
    ['https://169.254.169.254/latest', 'server-error'],
  ])('to %s are trouble', async (location, reason) => {
    const { script, ask } = settle(({ url }) =>
      url.host === 'registry.example.com' ? redirectTo(location) : new Response('metadata'),
    )
    expect(await rejectionOf(ask())).toMatchObject(trouble(reason))
    expect(script.calls).toHaveLength(1)
  })

  test('to a trusted private host are followed', async () => {
    const { script, ask } = settle(
      ({ url }) =>
        url.host === 'registry.example.com'
          ? redirectTo('https://10.0.0.7:9000/x')
          : new Response('content'),
      { trustedHosts: ['10.0.0.7:9000'] },
    )
    expect((await ask()).status).toBe(200)
    expect(script.calls[1]).toMatchObject({ network: 'any' })
  })
})

describe('beside the registry API', () => {
  test('nothing is sent but the question', async () => {
    const { script, upstream, deadline } = settle(
      ({ url }) =>
        url.host === 'index.example.com'
          ? redirectTo('https://s.example.net/')
          : new Response('[]'),
      { endpoints: [{ url: root, credentials: { username: 'u', password: 'p' }, accounts: [] }] },
    )
    const url = new URL('https://index.example.com/v1/search?q=x')
    const text = await upstream.askElsewhere(url, deadline(), (response) => response.text())
    expect(text).toBe('[]')
    expect(script.takeLines()).toEqual([`GET ${url.href}`, 'GET https://s.example.net/'])
    for (const { headers } of script.calls) expect(headers.get('authorization')).toBeNull()
    expect(script.calls.map(({ network }) => network)).toEqual(['any', 'public'])
  })

  test('silence is trouble', async () => {
    const { clock, upstream, deadline } = settle(hang)
    const url = new URL('https://index.example.com/v1/search')
    const error = rejectionOf(upstream.askElsewhere(url, deadline(), () => undefined))
    await clock.advance(14_000)
    expect(await error).toMatchObject(trouble('timeout'))
  })
})
