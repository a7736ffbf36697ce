import { describe, expect, test } from 'vitest'
import { answers } from '../fakes/registry/index.ts'
import {
  createFailoverWorld,
  hubLogin,
  image,
  layer,
  root,
  secondLogin,
} from '../pull/failover-world.ts'

const basic = ({ username, password }: typeof hubLogin): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`

async function pullAll({ mirror }: ReturnType<typeof createFailoverWorld>): Promise<number[]> {
  const manifest = await mirror.drive(mirror.get(`${root}/manifests/latest`))
  const blob = await mirror.drive(mirror.get(`${root}/blobs/${layer.digest}`))
  return [manifest.status, blob.status]
}

describe('two endpoints with accounts of their own', () => {
  test('each gets its own name, scope and credentials, and never the other’s', async () => {
    const world = createFailoverWorld()
    const { hub, second } = world
    await world.mirror.head(`${root}/manifests/latest`)
    hub.fail({ kind: 'manifest' }, { kind: 'answer', answer: answers.badGateway })
    await world.mirror.clock.advance(61_000)
    expect(await pullAll(world)).toEqual([200, 200])
    const tokens = [...hub.calls, ...second.calls].filter(({ kind }) => kind === 'token')
    expect(
      tokens.map(({ url, headers }) => [
        url.host,
        headers.get('authorization'),
        url.searchParams.get('account'),
        url.searchParams.get('scope'),
      ]),
    ).toEqual([
      ['auth.docker.io', basic(hubLogin), 'alice', 'repository:library/alpine:pull'],
      ['auth.second.test', basic(secondLogin), 'bob', 'repository:hub-proxy/library/alpine:pull'],
    ])
    const paths = second.calls.filter(({ kind }) => kind !== 'token').map(({ url }) => url.pathname)
    for (const path of paths) expect(path).toMatch(/^\/v2\/hub-proxy\/library\/alpine\//)
    const bearers = (calls: typeof hub.calls): Set<string | null> =>
      new Set(
        calls
          .map(({ headers }) => headers.get('authorization'))
          .filter((value) => value?.startsWith('Bearer') === true),
      )
    expect([...bearers(hub.calls)].filter((one) => bearers(second.calls).has(one))).toEqual([])
  })

  test.each([
    'https://auth.docker.io/token',
    'https://registry-1.docker.io/token',
    'https://evil.test/token',
    'http://auth.second.test/token',
    'https://bob:x@auth.second.test/token',
    'https://10.0.0.9/token',
    'https://169.254.169.254/token',
  ])('a second endpoint that names the realm %s gets nothing', async (realm) => {
    const world = createFailoverWorld()
    const { hub, second } = world
    const lines = [`Bearer realm="${realm}",service="second"`]
    second.change({ challenge: { ping: lines, repository: lines } })
    const limited = { ...answers.tooManyRequests, headers: { 'retry-after': '60' } }
    hub.fail({ host: 'registry-1.docker.io' }, { kind: 'answer', answer: limited })
    // The first one could not be heard, so its trouble is the answer.
    expect((await world.mirror.get(`${root}/manifests/latest`)).status).toBe(429)
    const calls = [...hub.calls, ...second.calls]
    expect(calls.filter(({ kind }) => kind === 'token')).toEqual([])
    for (const { headers } of calls) expect(headers.get('authorization')).toBeNull()
    expect(new Set(calls.map(({ url }) => url.host))).toEqual(
      new Set(['registry-1.docker.io', 'second.test']),
    )
  })

  test.each([
    ['to the first endpoint', 'https://registry-1.docker.io/v2/library/alpine/manifests/latest'],
    ['to the first one’s realm', 'https://auth.docker.io/token?scope=x'],
    ['to a stranger', 'https://evil.test/'],
    ['to itself, in a loop', 'https://second.test/v2/hub-proxy/library/alpine/manifests/latest'],
  ])('a second endpoint that redirects %s takes no credentials along', async (_, location) => {
    const world = createFailoverWorld()
    const { hub, second } = world
    hub.fail({ kind: 'manifest', times: 1 }, { kind: 'answer', answer: answers.badGateway })
    second.fail(
      { kind: 'manifest' },
      { kind: 'answer', answer: { status: 307, headers: { location } } },
    )
    const before = hub.calls.length
    await world.mirror.drive(world.mirror.get(`${root}/manifests/latest`))
    for (const { url, headers } of [...hub.calls.slice(before), ...second.calls]) {
      const authorization = headers.get('authorization') ?? ''
      expect(authorization, url.host).not.toBe(
        url.host.includes('docker') ? basic(secondLogin) : basic(hubLogin),
      )
    }
    expect(world.mirror.logged.join('\n')).not.toMatch(/secret-of/)
  })
})

describe('waits that are meant badly', () => {
  test.each(['999999999', '-1', '1e9', 'NaN', '', '0', 'Fri, 31 Dec 9999 23:59:59 GMT'])(
    'Retry-After: %s',
    async (wait) => {
      const { hub, mirror } = createFailoverWorld()
      const limited = {
        ...answers.tooManyRequests,
        headers: { 'retry-after': wait, date: 'Sat, 21 Nov 2026 00:00:00 GMT' },
      }
      const fault = hub.fail(
        { host: 'registry-1.docker.io', times: 1 },
        { kind: 'answer', answer: limited },
      )
      expect((await mirror.get(`${root}/manifests/latest`)).status).toBe(200)
      fault.lift()
      // Nobody is kept off for longer than the longest window there is.
      await mirror.clock.advance(6 * 3600_000)
      hub.takeLines()
      await mirror.get(`${root}/manifests/${image.root.digest}`)
      await mirror.head(`${root}/manifests/latest`)
      expect(hub.takeLines().length).toBeGreaterThan(0)
    },
  )
})

test('accounts and their quota leave no trace but figures', async () => {
  const world = createFailoverWorld({ quotaFloor: 1_000 })
  world.hub.fail({ kind: 'blob-host', times: 1 }, { kind: 'cut', afterBytes: 10 })
  expect(await pullAll(world)).toEqual([200, 200])
  const metrics = (await world.mirror.get('/metrics')).text
  expect(metrics + world.mirror.logged.join('\n')).not.toMatch(/alice|bob|secret-of/)
})
