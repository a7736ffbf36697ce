import { describe, expect, test } from 'vitest'
import { FetchError } from '@pullway/core'
import { createMetrics } from '../../../core/src/observe/metrics.ts'
import { createSend, followRedirects, type Hop } from '../../../core/src/upstream/exchange.ts'
import { userAgent } from '../../../core/src/version.ts'
import { createFakeClock } from '../../fakes/clock.ts'
import { rejectionOf } from '../support/caught.ts'
import { createControlledBody } from '../support/controlled-body.ts'
import {
  createScriptedFetch,
  hang,
  playTable,
  redirectTo,
  type Play,
} from '../support/scripted-fetch.ts'
import { timeouts } from '../support/upstream-config.ts'

function settle(play: Play) {
  const clock = createFakeClock()
  const metrics = createMetrics()
  const script = createScriptedFetch(play)
  const send = createSend('docker.io', { fetch: script.fetch, clock, timeouts, metrics })
  return { clock, metrics, script, send }
}

function hopTo(url: string, given: Partial<Hop> = {}): Hop {
  return { method: 'GET', url: new URL(url), headers: {}, ...given }
}

describe('one hop', () => {
  test('is made under the mirror’s own name, and asks for plain bytes', async () => {
    const { script, send } = settle(() => new Response('x'))
    const headers = { authorization: 'Bearer t', 'user-agent': 'docker/29', range: 'bytes=0-1' }
    await send(hopTo('https://registry.example.com/v2/', { method: 'HEAD', headers }), 'any')
    const [call] = script.calls
    expect(call).toMatchObject({ method: 'HEAD', network: 'any' })
    expect(Object.fromEntries(call!.headers)).toEqual({
      authorization: 'Bearer t',
      range: 'bytes=0-1',
      'user-agent': userAgent,
      'accept-encoding': 'identity',
    })
  })

  test('is counted with its host, its status and its time', async () => {
    const { clock, metrics, send } = settle(async ({ url }) => {
      if (url.host === 'gone.example.com') throw new FetchError('unreachable', 'gone')
      if (url.host === 'odd.example.com') throw new Error('a bug')
      await clock.advance(200)
      return new Response('', { status: 404 })
    })
    await send(hopTo('https://a.example.com/'), 'public')
    await rejectionOf(send(hopTo('https://gone.example.com/'), 'public'))
    await rejectionOf(send(hopTo('https://odd.example.com/'), 'public'))
    const lines = metrics.render().split('\n')
    const name = 'pullway_upstream_requests_total{upstream="docker.io",endpoint='
    for (const line of [
      `${name}"a.example.com",status="404"} 1`,
      `${name}"gone.example.com",status="unreachable"} 1`,
      `${name}"odd.example.com",status="error"} 1`,
      'pullway_upstream_request_duration_seconds_sum{upstream="docker.io"} 0.2',
    ])
      expect(lines).toContain(line)
  })

  test('without headers in time is given up, its request too', async () => {
    const { clock, metrics, script, send } = settle(hang)
    const error = rejectionOf(send(hopTo('https://a.example.com/'), 'public'))
    await clock.advance(timeouts.firstByteMs)
    expect(await error).toMatchObject({
      failure: 'timeout',
      message: "a.example.com's answer took too long",
    })
    expect(script.calls[0]!.signal.aborted).toBe(true)
    expect(metrics.render()).toContain('status="timeout"} 1')
  })

  test('with its headers there, the body may take longer', async () => {
    const { clock, script, send } = settle(() => new Response(createControlledBody().stream))
    await send(hopTo('https://a.example.com/'), 'public')
    await clock.advance(10 * timeouts.firstByteMs)
    expect(script.calls[0]!.signal.aborted).toBe(false)
    expect(clock.sleepers).toBe(0)
  })
})

describe('where nobody but the operator may send us', () => {
  const forbidden = [
    'http://127.0.0.1/',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://10.0.0.1/',
    'http://169.254.169.254/latest/meta-data',
    'http://[::1]/',
    'http://[::ffff:10.0.0.1]/',
    'http://[fd00::1]/',
    'https://localhost/',
    'https://localhost./',
    'https://a.localhost/',
    'https://printer.local/',
    'https://metadata.google.internal/',
  ]

  test.each(forbidden)('%s is not dialled', async (url) => {
    const { script, send } = settle(() => new Response())
    expect(await rejectionOf(send(hopTo(url), 'public'))).toMatchObject({
      failure: 'forbidden-address',
    })
    expect(script.calls).toEqual([])
  })

  test.each(forbidden)('%s is, where the operator says so', async (url) => {
    const { script, send } = settle(() => new Response())
    await send(hopTo(url), 'any')
    expect(script.calls).toMatchObject([{ network: 'any' }])
  })

  test.each(['https://8.8.8.8/', 'https://[2606:4700::1]/', 'https://cdn.example.com/'])(
    '%s is dialled, and the runtime told to look again',
    async (url) => {
      const { script, send } = settle(() => new Response())
      await send(hopTo(url), 'public')
      expect(script.calls).toMatchObject([{ network: 'public' }])
    },
  )
})

describe('redirects', () => {
  const start = 'https://registry.example.com/v2/app/blobs/x?a=b'

  async function follow(table: Parameters<typeof playTable>[0], first: Partial<Hop> = {}) {
    const script = createScriptedFetch(playTable(table))
    const hops: Hop[] = []
    const result = followRedirects(hopTo(start, first), (hop) => {
      hops.push(hop)
      const { method, url, headers } = hop
      return script.fetch(new Request(url, { method, headers }), { network: 'public' })
    })
    return { hops, result }
  }

  const end = () => new Response('here')

  test.each([301, 302, 303, 307, 308])('%i is followed with the same method', async (status) => {
    for (const method of ['GET', 'HEAD'] as const) {
      const { hops, result } = await follow(
        {
          [`${method} ${start}`]: () => redirectTo('https://cdn.example.net/x', status),
          [`${method} https://cdn.example.net/x`]: end,
        },
        { method, headers: { range: 'bytes=0-1' } },
      )
      expect((await result).from.href).toBe('https://cdn.example.net/x')
      expect(hops[1]).toMatchObject({ method, headers: { range: 'bytes=0-1' } })
    }
  })

  test.each([
    ['/other/path?x=y', 'https://registry.example.com/other/path?x=y'],
    ['//cdn.example.net/x', 'https://cdn.example.net/x'],
    ['y', 'https://registry.example.com/v2/app/blobs/y'],
    ['?c=d', 'https://registry.example.com/v2/app/blobs/x?c=d'],
    [
      'https://cdn.example.net/a%2Fb?X-Amz-Signature=%2F%3D#part',
      'https://cdn.example.net/a%2Fb?X-Amz-Signature=%2F%3D',
    ],
  ])('to %s is %s', async (location, url) => {
    const { result } = await follow({
      [`GET ${start}`]: () => redirectTo(location),
      [`GET ${url}`]: end,
    })
    expect((await result).from.href).toBe(url)
  })

  test('a chain of five is followed, one of six is not', async () => {
    const chain = (length: number) =>
      Object.fromEntries(
        Array.from({ length: length + 1 }, (_, index) => [
          index === 0 ? `GET ${start}` : `GET https://h${index}.example.net/`,
          index === length ? end : () => redirectTo(`https://h${index + 1}.example.net/`),
        ]),
      )
    const five = await follow(chain(5))
    expect((await five.result).from.host).toBe('h5.example.net')
    const six = await follow(chain(6))
    expect(await rejectionOf(six.result)).toMatchObject({ failure: 'unreachable' })
    expect(six.hops).toHaveLength(6)
  })

  test('a loop ends', async () => {
    const { result } = await follow({ [`GET ${start}`]: () => redirectTo(start) })
    expect(await rejectionOf(result)).toMatchObject({
      message: 'it redirects more than 5 times',
    })
  })

  test.each([
    ['http://registry.example.com/v2/', 'from https to http'],
    ['http://cdn.example.net/', 'from https to http'],
    ['file:///etc/passwd', 'no web address'],
    ['javascript:alert(1)', 'no web address'],
    ['data:text/plain,x', 'no web address'],
    ['https://user:pass@cdn.example.net/', 'with credentials'],
    ['https://user@cdn.example.net/', 'with credentials'],
    ['https://', 'no web address'],
    ['http://[::1', 'no web address'],
  ])('to %s are refused', async (location, why) => {
    const { hops, result } = await follow({ [`GET ${start}`]: () => redirectTo(location) })
    const error = (await rejectionOf(result)) as Error
    expect(error).toBeInstanceOf(FetchError)
    expect(error.message).toContain(why)
    expect(hops).toHaveLength(1)
  })

  test('http may lead to http and to https', async () => {
    for (const to of ['http://cdn.example.net/x', 'https://cdn.example.net/x']) {
      const from = 'http://registry.example.com/'
      const { result } = await follow(
        { [`GET ${from}`]: () => redirectTo(to), [`GET ${to}`]: end },
        { url: new URL(from) },
      )
      expect((await result).from.href).toBe(to)
    }
  })

  test('one without a Location, one of another kind, and one that is not wanted are the answer', async () => {
    for (const answer of [
      () => new Response(null, { status: 302 }),
      () => new Response(null, { status: 300, headers: { location: 'https://a.example.net/' } }),
      () => new Response(null, { status: 304, headers: { location: 'https://a.example.net/' } }),
    ]) {
      const { hops, result } = await follow({ [`GET ${start}`]: answer })
      expect((await result).response.status).toBe(answer().status)
      expect(hops).toHaveLength(1)
    }
    const asked: unknown[] = []
    const { response, from } = await followRedirects(
      hopTo(start),
      async () => redirectTo('/elsewhere', 303),
      (status, to) => {
        asked.push([status, to.href])
        return false
      },
    )
    expect([response.status, from.href]).toEqual([303, start])
    expect(asked).toEqual([[303, 'https://registry.example.com/elsewhere']])
  })

  test('the body of a redirect is let go', async () => {
    const body = createControlledBody()
    const { result } = await follow({
      [`GET ${start}`]: () =>
        new Response(body.stream, { status: 307, headers: { location: 'https://c.example.net/' } }),
      'GET https://c.example.net/': end,
    })
    await result
    expect(body.isCancelled).toBe(true)
  })
})
