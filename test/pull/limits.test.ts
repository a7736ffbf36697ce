import type { RequestContext } from '@pullway/core'
import { describe, expect, test } from 'vitest'
import { basic, createLoginWorld } from '../fakes/login-world.ts'
import { createTestMirror, readAnswer, type TestMirror } from '../fakes/mirror.ts'
import { buildImage, createFakeRegistry } from '../fakes/registry/index.ts'
import { dockerHub } from '../fakes/registry/profiles/docker-hub.ts'
import { createFakeClock } from '../fakes/clock.ts'

const layers = 10
const image = buildImage({ seed: 70, layers, layerBytes: 150_000 })
const sane =
  'limits: { requests: { rate: 10/s, burst: 20 }, connections: 10, bandwidth: 20MiB/s }\n'

function createPlace(config: string): { mirror: TestMirror } {
  const clock = createFakeClock()
  const registry = createFakeRegistry(dockerHub, { clock })
  registry.push('library/app', 'latest', image)
  return { mirror: createTestMirror({ fetch: registry.fetch, clock, config }) }
}

const from = (clientAddress: string): Partial<RequestContext> => ({ clientAddress })

/** What a client asks for to get a whole image: the ping, the tag twice, and all that it names. */
const pingAndTag = ['/v2/', '/v2/app/manifests/latest', `/v2/app/manifests/${image.root.digest}`]
const blobs = image.blobs.map(({ digest }) => `/v2/app/blobs/${digest}`)

describe('sane limits', () => {
  test.each([
    ['one at a time', 1],
    ['dockerd, three at a time', 3],
    ['podman, six at a time', 6],
    ['ctr, all at once', 100],
  ])("are not met by one image's pull: %s", async (_, atOnce) => {
    const { mirror } = createPlace(sane)
    expect(blobs.length).toBe(layers + 1)
    const statuses: number[] = []
    for (const path of pingAndTag) statuses.push((await mirror.get(path)).status)
    statuses.push((await mirror.head('/v2/app/manifests/latest')).status)
    const waiting = [...blobs]
    const download = async (): Promise<void> => {
      for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
        const { status, bytes, broken } = await mirror.get(path)
        expect([broken, bytes.byteLength > 0]).toEqual([undefined, true])
        statuses.push(status)
      }
    }
    await mirror.drive(Promise.all(Array.from({ length: atOnce }, download)))
    expect(statuses).toEqual(Array.from({ length: 4 + layers + 1 }, () => 200))
  })
})

const tight = 'limits: { requests: { rate: 1/s, burst: 3 } }\n'

async function statusesOf(
  mirror: TestMirror,
  count: number,
  path = '/v2/',
  context: Partial<RequestContext> = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<readonly number[]> {
  const statuses: number[] = []
  for (let index = 0; index < count; index += 1) {
    statuses.push((await mirror.fetch(path, { headers }, context)).status)
  }
  return statuses
}

describe('requests', () => {
  test.each([
    '/v2/',
    '/v2/app/manifests/latest',
    '/v2/app/tags/list',
    '/v2/no/such/manifests/x',
    '/v2/bad..name/manifests/x',
    '/nothing',
    '/v1/search?q=app',
    '/token',
    '/',
  ])('beyond the limit are refused: %s', async (path) => {
    const { mirror } = createPlace(tight)
    const statuses = await statusesOf(mirror, 5, path)
    expect(statuses.slice(3)).toEqual([429, 429])
    expect(statuses.slice(0, 3)).not.toContain(429)
    const answer = await mirror.get(path)
    expect([answer.code, answer.headers.get('retry-after')]).toEqual(['TOOMANYREQUESTS', '1'])
    expect(answer.headers.get('docker-distribution-api-version')).toBe('registry/2.0')
    const head = await mirror.head(path)
    expect([head.status, head.text]).toEqual([429, ''])
    await mirror.clock.advance(1_000)
    expect(await statusesOf(mirror, 2, path)).toEqual([statuses[0], 429])
  })

  test.each(['/healthz', '/readyz', '/metrics'])(
    'of machines are not counted: %s',
    async (path) => {
      const { mirror } = createPlace(tight)
      expect(new Set(await statusesOf(mirror, 20, path))).toEqual(new Set([200]))
    },
  )

  test('are counted by address; of IPv6 by what one customer has', async () => {
    const { mirror } = createPlace(tight)
    const ask = (address: string, count = 4) => statusesOf(mirror, count, '/v2/', from(address))
    expect(await ask('192.0.2.1')).toEqual([200, 200, 200, 429])
    expect(await ask('::ffff:192.0.2.1', 1)).toEqual([429])
    expect(await ask('192.0.2.2', 1)).toEqual([200])
    expect(await ask('2001:db8:0:1::1')).toEqual([200, 200, 200, 429])
    expect(await ask('2001:db8:0:1:ffff:ffff:ffff:ffff', 1)).toEqual([429])
    expect(await ask('2001:db8:0:2::1', 1)).toEqual([200])
  })

  test('are counted by the address that a trusted proxy tells, and by no other', async () => {
    const { mirror } = createPlace(`${tight}trustedProxies: [10.0.0.1]\n`)
    const ask = (peer: string, forwarded: string, count = 1) =>
      statusesOf(mirror, count, '/v2/', from(peer), { 'x-forwarded-for': forwarded })
    expect(await ask('10.0.0.1', '192.0.2.1', 4)).toEqual([200, 200, 200, 429])
    expect(await ask('10.0.0.1', '192.0.2.2')).toEqual([200])
    // What a client puts in front of its own address is nobody's.
    expect(await ask('10.0.0.1', '203.0.113.9, 192.0.2.1')).toEqual([429])
    for (const [index, expected] of [200, 200, 200, 429].entries()) {
      expect(await ask('198.51.100.1', `203.0.113.${index}`)).toEqual([expected])
    }
  })

  test('of one who has logged in are his, wherever he is; wrong passwords are the address’s', async () => {
    const world = createLoginWorld({ settings: tight })
    const alice = { authorization: basic('alice:alice-password') }
    const bob = { authorization: basic('bob:bob-password') }
    const ask = (address: string, headers: Readonly<Record<string, string>>, count = 1) =>
      statusesOf(world, count, '/v2/', from(address), headers)
    expect(await ask('192.0.2.1', alice, 2)).toEqual([200, 200])
    expect(await ask('192.0.2.2', alice, 2)).toEqual([200, 429])
    expect(await ask('192.0.2.1', bob, 2)).toEqual([200, 200])
    expect(await ask('192.0.2.9', {}, 4)).toEqual([401, 401, 401, 429])
  })
})

test('a limit of streams tells the client, and lets it in when one has ended', async () => {
  const { mirror } = createPlace('limits: { connections: 2 }\n')
  // A blob that is on its way is a stream; a small one that is here is sent at once.
  const path = blobs[1]!
  const open = [await mirror.fetch(path), await mirror.fetch(path)]
  const refused = await mirror.drive(mirror.get(path))
  expect([refused.status, refused.code, refused.headers.get('retry-after')]).toEqual([
    429,
    'TOOMANYREQUESTS',
    '1',
  ])
  expect((await mirror.head(path)).status).toBe(200)
  expect((await mirror.fetch(path, {}, from('192.0.2.2'))).status).toBe(200)
  await open[0]!.body!.cancel()
  const next = await readAnswer(await mirror.fetch(path))
  expect([next.status, next.broken]).toEqual([200, undefined])
  const { text } = await mirror.get('/metrics')
  expect(text).toContain('pullway_rejected_total{reason="connections"}')
})

test('a limit of bandwidth slows blobs, and nothing else', async () => {
  const { mirror } = createPlace('limits: { bandwidth: 100KiB/s }\n')
  const begin = mirror.clock.now()
  expect((await mirror.get('/v2/app/manifests/latest')).status).toBe(200)
  expect(mirror.clock.now()).toBe(begin)
  const all = await mirror.drive(Promise.all(blobs.map((path) => mirror.get(path))))
  const seconds = (mirror.clock.now() - begin) / 1000
  const sent = all.reduce((sum, { bytes }) => sum + bytes.byteLength, 0)
  expect(sent).toBeGreaterThan(layers * 150_000)
  expect(seconds).toBeGreaterThan(sent / (100 * 1024) - 1)
  expect(seconds).toBeLessThan(sent / (100 * 1024) + 2)
})

describe('who is not let in', () => {
  const closed =
    'access: { networks: { allow: [192.0.2.0/24], deny: [192.0.2.66] }, userAgents: { deny: [badbot] } }\ntrustedProxies: [10.0.0.1]\n'
  const paths = ['/v2/', '/v2/app/manifests/latest', '/', '/metrics', '/token', '/v1/search', '/x']

  test.each(paths)('gets nothing at %s', async (path) => {
    const { mirror } = createPlace(closed)
    for (const address of ['192.0.3.1', '192.0.2.66', '2001:db8::1', undefined]) {
      const context = { clientAddress: address } as RequestContext
      const answer = await readAnswer(await mirror.fetch(path, {}, context))
      expect([address, answer.status, answer.code]).toEqual([address, 403, 'DENIED'])
    }
    const agent = await mirror.get(path, { 'user-agent': 'Mozilla/5.0 (BadBot)' })
    expect([agent.status, agent.code]).toEqual([403, 'DENIED'])
    expect((await mirror.get(path)).status).not.toBe(403)
  })

  test.each(['/healthz', '/readyz'])('sees %s', async (path) => {
    const { mirror } = createPlace(closed)
    const headers = { 'user-agent': 'BadBot' }
    expect((await mirror.fetch(path, { headers }, from('192.0.3.1'))).status).toBe(200)
  })

  test.each([
    ['10.0.0.1', '192.0.2.7', 200],
    ['10.0.0.1', '192.0.3.7', 403],
    ['10.0.0.1', '192.0.2.7, 192.0.3.7', 403],
    ['192.0.3.1', '192.0.2.7', 403],
    ['192.0.2.1', '192.0.3.7', 200],
    ['10.0.0.1', 'nonsense', 403],
    ['10.0.0.1', '', 403],
  ])('is known by the address behind a trusted proxy: %s, %j: %d', async (peer, given, status) => {
    const { mirror } = createPlace(closed)
    const headers = { 'x-forwarded-for': given }
    expect((await mirror.fetch('/v2/', { headers }, from(peer))).status).toBe(status)
  })

  test('is counted, and logged like everybody', async () => {
    const { mirror } = createPlace(closed)
    await mirror.fetch('/v2/', {}, from('192.0.3.1'))
    expect(
      mirror.logged.some((line) => line.includes('192.0.3.1 - - [') && line.includes(' 403 ')),
    ).toBe(true)
    const { text } = await mirror.get('/metrics')
    expect(text).toContain('pullway_rejected_total{reason="network"} 1')
  })
})
