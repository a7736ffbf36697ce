import { expect, test } from 'vitest'
import { upstreamsAnswer, type UpstreamAnswer } from '../../core/src/admin/answers.ts'
import { answers, type Fault } from '../fakes/registry/index.ts'
import { dockerHub } from '../fakes/registry/profiles/docker-hub.ts'
import { type AdminWorld, createAdminWorld, image, manifest, secrets } from './world.ts'

async function list({ ask }: AdminWorld): Promise<readonly UpstreamAnswer[]> {
  const { status, text } = await ask('/api/v1/upstreams')
  expect(status).toBe(200)
  for (const secret of secrets) expect(text).not.toContain(secret)
  return upstreamsAnswer.parse(JSON.parse(text)).upstreams
}

async function hubOf(world: AdminWorld): Promise<UpstreamAnswer> {
  const all = await list(world)
  const alone = await world.ask('/api/v1/upstreams/docker.io')
  const hub = all.find(({ name }) => name === 'docker.io')
  expect(JSON.parse(alone.text)).toEqual(hub)
  return hub!
}

const unknown = { quota: null, rest: null }
const after = (world: AdminWorld, seconds: number): string =>
  new Date(world.mirror.clock.now() + seconds * 1000).toISOString()

test('what nobody has asked is listed as configured, and not made', async () => {
  const world = createAdminWorld()
  const all = await list(world)
  expect(all.slice(0, 2)).toEqual([
    {
      name: 'docker.io',
      default: true,
      asked: false,
      quotaFloor: 20,
      scarce: false,
      endpoints: [
        {
          endpoint: 'registry-1.docker.io',
          up: null,
          rest: null,
          accounts: [
            { place: 1, anonymous: false, ...unknown },
            { place: 2, anonymous: false, ...unknown },
          ],
        },
        {
          endpoint: 'second.test',
          up: null,
          rest: null,
          accounts: [{ place: 1, anonymous: true, ...unknown }],
        },
      ],
    },
    {
      name: 'registry.example.com:5000',
      default: false,
      asked: false,
      quotaFloor: 0,
      scarce: false,
      endpoints: ['second.test/a', 'second.test/b'].map((endpoint) => ({
        endpoint,
        up: null,
        rest: null,
        accounts: [{ place: 1, anonymous: true, ...unknown }],
      })),
    },
  ])
  expect(all.length).toBeGreaterThan(5)
  expect(all.every(({ asked }) => !asked)).toBe(true)
  expect((await world.mirror.get('/metrics')).text).not.toContain('pullway_upstream_endpoint_up{')
})

test('a name with a port is asked for as it is, or encoded', async () => {
  const { ask } = createAdminWorld()
  for (const name of ['registry.example.com:5000', 'registry.example.com%3A5000']) {
    const { status, text } = await ask(`/api/v1/upstreams/${name}`)
    expect([status, (JSON.parse(text) as UpstreamAnswer).name]).toEqual([
      200,
      'registry.example.com:5000',
    ])
  }
})

test('after a pull, it has the quota, until its window ends', async () => {
  const world = createAdminWorld()
  world.hub.change({ rateLimit: { ...dockerHub.rateLimit, limit: 100, windowSeconds: 3600 } })
  expect((await world.mirror.get(manifest)).status).toBe(200)
  const hub = await hubOf(world)
  expect([hub.asked, hub.scarce]).toEqual([true, false])
  const [first, second] = hub.endpoints
  expect(first).toEqual({
    endpoint: 'registry-1.docker.io',
    up: true,
    rest: null,
    accounts: [
      {
        place: 1,
        anonymous: false,
        quota: { limit: 100, remaining: 99, until: after(world, 3600) },
        rest: null,
      },
      { place: 2, anonymous: false, ...unknown },
    ],
  })
  expect([second?.up, second?.accounts]).toEqual([
    true,
    [{ place: 1, anonymous: true, ...unknown }],
  ])
  await world.mirror.clock.advance(3_601_000)
  expect((await hubOf(world)).endpoints[0]?.accounts[0]).toEqual({
    place: 1,
    anonymous: false,
    ...unknown,
  })
})

/** A tag that nobody has asked for. */
let tags = 0
async function pull({ hub, second, mirror }: AdminWorld): Promise<number> {
  const tag = `t${tags++}`
  hub.push('library/alpine', tag, image)
  second.push('library/alpine', tag, image)
  return (await mirror.drive(mirror.get(`/v2/library/alpine/manifests/${tag}`))).status
}

const limitedFor = (seconds: number): Fault => ({
  kind: 'answer',
  answer: {
    ...answers.tooManyRequests,
    headers: {
      'retry-after': String(seconds),
      'ratelimit-limit': '100;w=21600',
      'ratelimit-remaining': '0;w=21600',
      'ratelimit-reset': String(seconds),
    },
  },
})

test('after a 429, the account rests as long as it was told; then it is tried, and is used again', async () => {
  const world = createAdminWorld()
  const fault = world.hub.fail({ host: 'registry-1.docker.io', times: 1 }, limitedFor(600))
  const startedAt = world.mirror.clock.now()
  expect(await pull(world)).toBe(200)
  const until = new Date(startedAt + 600_000).toISOString()
  const limited = await hubOf(world)
  expect(limited.endpoints[0]).toMatchObject({ up: true, rest: null })
  const [first, second] = limited.endpoints[0]!.accounts
  expect(first).toMatchObject({
    quota: { limit: 100, remaining: 0, until },
    rest: { until, reason: 'rate-limited' },
  })
  expect(first?.rest?.message).toMatch(/\w/)
  expect(second?.rest).toBeNull()

  // Now the other one, too: the second endpoint helps.
  fault.lift()
  world.hub.fail({ host: 'registry-1.docker.io', times: 1 }, limitedFor(300))
  expect(await pull(world)).toBe(200)
  const down = (await hubOf(world)).endpoints
  expect(down.map(({ up }) => up)).toEqual([false, true])
  expect(down[0]?.accounts.map(({ rest }) => rest?.reason)).toEqual([
    'rate-limited',
    'rate-limited',
  ])

  await world.mirror.clock.advance(601_000)
  const rested = (await hubOf(world)).endpoints[0]!
  expect(rested.up).toBe(false)
  expect(rested.accounts.map(({ quota, rest }) => ({ quota, rest }))).toEqual([unknown, unknown])
  expect(await pull(world)).toBe(200)
  expect((await hubOf(world)).endpoints[0]?.up).toBe(true)
})

test('an endpoint that fails rests, with the reason, and is up again when it answers', async () => {
  const world = createAdminWorld()
  const at = { host: 'registry-1.docker.io' }
  const fault = world.hub.fail(at, { kind: 'answer', answer: answers.badGateway })
  expect(await pull(world)).toBe(200)
  const [down] = (await hubOf(world)).endpoints
  expect(down).toMatchObject({ up: false, rest: { reason: 'server-error' } })
  expect(down?.rest?.message).toContain('502')
  const restMs = Date.parse(down!.rest!.until) - world.mirror.clock.now()
  expect(restMs).toBeGreaterThan(3_000)
  expect(restMs).toBeLessThan(6_500)
  fault.lift()
  await world.mirror.clock.advance(7_000)
  expect((await hubOf(world)).endpoints[0]).toMatchObject({ up: false, rest: null })
  expect(await pull(world)).toBe(200)
  expect((await hubOf(world)).endpoints[0]).toMatchObject({ up: true, rest: null })
})

test('a used up quota rests its account until the window ends; below the floor it is scarce', async () => {
  const world = createAdminWorld()
  world.hub.change({ rateLimit: { ...dockerHub.rateLimit, limit: 1, windowSeconds: 60 } })
  expect(await pull(world)).toBe(200)
  const [first] = (await hubOf(world)).endpoints[0]!.accounts
  expect(first?.quota?.remaining).toBe(0)
  expect(first?.rest).toEqual({
    until: first?.quota?.until,
    reason: 'rate-limited',
    message: 'its quota is used up',
  })
  const few = createAdminWorld()
  few.hub.change({ rateLimit: { ...dockerHub.rateLimit, limit: 10 } })
  await pull(few)
  await pull(few)
  expect((await hubOf(few)).scarce).toBe(true)
})

test('a clock that was set back leaves no quota and no rest for ever', async () => {
  const world = createAdminWorld()
  world.hub.fail({ host: 'registry-1.docker.io', times: 1 }, limitedFor(600))
  await pull(world)
  await world.mirror.clock.advance(-86_400_000)
  const [first] = (await hubOf(world)).endpoints[0]!.accounts
  expect(first).toMatchObject(unknown)
})

test('a change of the configuration keeps what is known of upstreams that stay', async () => {
  const world = createAdminWorld()
  await pull(world)
  const before = await hubOf(world)
  world.mirror.pullway.replace(world.config({ limits: { connections: 5 } }), world.users)
  expect(await hubOf(world)).toEqual(before)
  world.mirror.pullway.replace(world.config({ timeouts: { idle: '9s' } }), world.users)
  expect((await hubOf(world)).asked).toBe(false)
})
