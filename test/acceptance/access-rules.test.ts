import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { makeImage } from '../clients/upstream/images.ts'
import { accept, expectContent, expectError } from './expect.ts'
import type { Answer } from './http.ts'
import { onlyWith } from './only-with.ts'
import { topOf } from './pull.ts'
import { readersRegistry, startWorldWith, type World } from './world.ts'

const open = makeImage('owner/pullway-allowed:1.0', [50_000])
const denied = makeImage('owner/pullway-denied:1.0', [50_000])
const old = makeImage('owner/pullway-tagged:1.0', [40_000])
const current = makeImage('owner/pullway-tagged:2.0', [45_000])
const words = 'the platform team has another image'

/** Few enough that a platform with an instance for each request meets it soon. */
const burst = 5
/** A Worker's kit binds the platform's own limit, of 600 a minute. */
const mostAllowed = 700
const atOnce = 10

const settings = {
  // All requests come from this machine, which is a proxy here, and name their client themselves.
  trustedProxies: ['127.0.0.0/8', '::1/128'],
  access: {
    networks: { deny: ['203.0.113.0/24', '2001:db8:bad::/48'] },
    userAgents: { deny: ['BadBot'] },
    images: { deny: ['hub/owner/pullway-denied', 'owner/pullway-tagged:1.0'], message: words },
    rules: [
      { users: ['*'], deny: [`${readersRegistry}/owner/pullway-tagged`] },
      { users: ['*'], images: ['**'] },
    ],
  },
  limits: { requests: { rate: '1/m', burst }, connections: 50 },
}

let world: World
let clients = 0

beforeAll(async () => {
  world = await startWorldWith(settings, open, denied, old, current)
})

beforeEach(() => world.reset())

afterAll(() => world.stop())

/** Each as another client, so that the limit is met where a test wants it and nowhere else. */
function ask(
  path: string,
  {
    method = 'GET',
    headers = {},
    client = `198.51.${(clients += 1) >> 8}.${clients & 255}`,
  }: {
    readonly method?: string
    readonly headers?: Readonly<Record<string, string>>
    readonly client?: string
  } = {},
): Promise<Answer> {
  return world.ask(path, { method, headers: { accept, 'x-forwarded-for': client, ...headers } })
}

const name = denied.repository
const ways: readonly (readonly [path: string, host?: string])[] = [
  [`/v2/${name}/*`],
  [`/v2/docker.io/${name}/*`],
  [`/v2/index.docker.io/${name}/*`],
  [`/v2/hub/${name}/*`],
  [`/hub/v2/${name}/*`],
  [`/docker.io/v2/${name}/*`],
  [`/DOCKER.IO/v2/${name}/*`],
  [`/v2/${name}/*?ns=docker.io`],
  [`/v2/${name}/*?ns=DOCKER.IO`],
  [`/v2/${name}/*`, 'docker.mirror.example.com'],
  [`/v2/${name}/*`, 'hub.mirror.example.org'],
]
const things = [
  'manifests/1.0',
  `manifests/${topOf(denied).digest}`,
  `blobs/${denied.blobs[0]!.digest}`,
  `blobs/${denied.blobs[0]!.digest.replace(':', '%3A')}`,
  'tags/list',
  `referrers/${topOf(denied).digest}`,
]

test.each(ways)(
  'a denied image is denied as %s at %s, whatever is asked of it',
  async (path, host) => {
    for (const thing of things) {
      const url = path!.replace('*', thing)
      const headers = host === undefined ? {} : { host }
      const message = expectError(await ask(url, { headers }), { status: 403, code: 'DENIED' })
      expect(message).toContain(`docker.io/${name}`)
      expect(message).toContain(words)
      const head = await ask(url, { headers, method: 'HEAD' })
      expect([head.status, head.body.byteLength]).toEqual([403, 0])
    }
    expect(world.hub.asked()).toEqual([])
  },
)

test('what is not denied is served, also under a name that only looks alike', async () => {
  expectContent(await ask(`/v2/${open.repository}/manifests/1.0`), topOf(open))
  expectContent(await ask(`/v2/${readersRegistry}/${name}/manifests/1.0`), topOf(denied))
})

test('a denied tag is denied by its digest too, and the next one is served', async () => {
  const root = `/v2/${old.repository}/manifests`
  for (const reference of ['1.0', topOf(old).digest]) {
    expectError(await ask(`${root}/${reference}`), { status: 403, code: 'DENIED' })
  }
  for (const reference of ['2.0', topOf(current).digest]) {
    expectContent(await ask(`${root}/${reference}`), topOf(current))
  }
})

test('the first rule that matches decides', async () => {
  const answer = await ask(`/v2/${readersRegistry}/${old.repository}/manifests/2.0`)
  expectError(answer, { status: 403, code: 'DENIED' })
})

test.each(['203.0.113.9', '::ffff:203.0.113.9', '2001:db8:bad:1::1', '198.51.100.1, 203.0.113.9'])(
  'a client at %s is not let in, but for its health checks',
  async (client) => {
    for (const path of [
      '/v2/',
      `/v2/${open.repository}/manifests/1.0`,
      '/',
      '/metrics',
      '/token',
    ]) {
      const message = expectError(await ask(path, { client }), { status: 403, code: 'DENIED' })
      expect(message).toContain('your address')
    }
    for (const path of ['/healthz', '/readyz'])
      expect((await ask(path, { client })).status).toBe(200)
  },
)

test('a program is not let in by its name', async () => {
  const headers = { 'user-agent': 'Mozilla/5.0 (compatible; badbot/2.1)' }
  expectError(await ask('/v2/', { headers }), { status: 403, code: 'DENIED' })
  expect((await ask('/v2/', { headers: { 'user-agent': 'docker/27' } })).status).toBe(200)
})

test('more requests than a client may send are refused, and nobody else suffers', async () => {
  const answers: Answer[] = []
  const isOver = (): boolean => answers.some(({ status }) => status === 429)
  const question = { client: '198.18.0.1' }
  for (let index = 0; index < burst; index += 1) answers.push(await ask('/v2/', question))
  while (!isOver() && answers.length < mostAllowed) {
    answers.push(
      ...(await Promise.all(Array.from({ length: atOnce }, () => ask('/v2/', question)))),
    )
  }
  expect(answers.slice(0, burst).map(({ status }) => status)).not.toContain(429)
  const refused = answers.filter(({ status }) => status === 429)
  expect(refused.length).toBeGreaterThan(0)
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 429]))
  expectError(refused[0]!, { status: 429, code: 'TOOMANYREQUESTS' })
  expect(refused[0]!.headers['retry-after']).toMatch(/^[1-9]\d?$/)
  expect((await ask('/v2/', { client: '198.18.0.2' })).status).toBe(200)
})

test('a layer is served whole where streams are counted', async () => {
  const [layer] = open.blobs
  for (let round = 0; round < 3; round += 1) {
    expectContent(await ask(`/v2/${open.repository}/blobs/${layer!.digest}`), layer!)
  }
})

onlyWith('limits-bandwidth', 'a limit of bandwidth makes layers slow', async () => {
  const large = makeImage('owner/pullway-slow:1.0', [400_000])
  const slow = await startWorldWith({ limits: { bandwidth: '200KiB/s' } }, large)
  const [layer] = large.blobs.toSorted((a, b) => b.bytes.byteLength - a.bytes.byteLength)
  // What is small comes at once, and is paid by what comes next.
  await slow.ask(`/v2/${large.repository}/blobs/${layer!.digest}`)
  const again = await slow.ask(`/v2/${large.repository}/blobs/${layer!.digest}`)
  await slow.stop()
  expectContent(again, layer!)
  expect(again.seconds).toBeGreaterThan(0.5)
})
