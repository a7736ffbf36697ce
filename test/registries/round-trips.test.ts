import { expect, test } from 'vitest'
import { createTestMirror, type TestMirror } from '../fakes/mirror.ts'
import {
  buildImage,
  createFakeRegistry,
  type FakeRegistry,
  type Settings,
} from '../fakes/registry/index.ts'
import { registries, config } from './registries.ts'

const image = buildImage({ seed: 21 })
const other = buildImage({ seed: 22 })

function settle(settings: Settings = {}): [FakeRegistry, TestMirror] {
  const fake = createFakeRegistry(settings)
  const mirror = createTestMirror({ fetch: fake.fetch, config: 'upstreams: { registry.test: {} }' })
  for (const name of ['a/one', 'a/two', 'a/three']) fake.push(name, 'latest', image)
  fake.push('a/one', 'other', other)
  return [fake, mirror]
}

const manifest = (name: string, reference = 'latest'): string =>
  `/v2/registry.test/a/${name}/manifests/${reference}`

test('three round trips to meet an endpoint, two for a new repository, one after that', async () => {
  const [fake, mirror] = settle()
  const line = (name: string, tag = 'latest'): string =>
    `GET registry.test/v2/a/${name}/manifests/${tag}`
  const token = 'GET auth.registry.test/token'
  await mirror.get(manifest('one'))
  expect(fake.takeLines()).toEqual([line('one'), token, line('one')])
  await mirror.get(manifest('two'))
  expect(fake.takeLines()).toEqual([token, line('two')])
  await mirror.get(manifest('one', 'other'))
  expect(fake.takeLines()).toEqual([line('one', 'other')])
  await mirror.clock.advance(10_000)
  await mirror.get(manifest('one', 'absent'))
  expect(fake.takeLines()).toEqual([line('one', 'absent')])
})

test.each(registries.filter(({ realm }) => realm !== undefined))(
  '$what: a second repository takes a token and the manifest',
  async ({ settings, repository, path, manifest: hops, realm }) => {
    const fake = createFakeRegistry(settings)
    fake.push(repository, 'latest', image)
    fake.push(`${repository}-two`, 'latest', other)
    const mirror = createTestMirror({ fetch: fake.fetch, config })
    await mirror.get(`${path}/manifests/latest`)
    fake.takeLines()
    await mirror.get(`${path}-two/manifests/latest`)
    const lines = hops.map((hop) =>
      `GET ${hop}`.replace(repository, `${repository}-two`).replace('{reference}', 'latest'),
    )
    expect(fake.takeLines()).toEqual([...lines.slice(0, -1), `GET ${realm}`, ...lines.slice(-1)])
  },
)

/** registries.md, 1.2: what is missing or silly counts as 60 s. */
const lives = [
  ['300 s as told', {}, 300],
  ['none told', { token: { fields: ['token'] } }, 60],
  ['less than 60 s told', { token: { lifeSeconds: 5 } }, 60],
  ['access_token alone', { token: { fields: ['access_token', 'expires_in'] } }, 300],
] as const

test.each(lives)(
  'a token serves until shortly before its end: %s',
  async (_, settings, seconds) => {
    const [fake, mirror] = settle(settings)
    const tokens = (): number => fake.calls.filter(({ kind }) => kind === 'token').length
    await mirror.get(manifest('one'))
    await mirror.clock.advance((seconds / 2) * 1000)
    await mirror.get(manifest('one', 'other'))
    expect(tokens()).toBe(1)
    await mirror.clock.advance((seconds / 2 - 5) * 1000)
    await mirror.get(manifest('one', 'absent'))
    expect(tokens()).toBe(2)
  },
)

test('a token that was revoked early is replaced, once', async () => {
  const [fake, mirror] = settle()
  await mirror.get(manifest('one'))
  fake.fail(
    { kind: 'manifest', times: 1 },
    { kind: 'answer', answer: { status: 401, headers: { 'www-authenticate': challenge() } } },
  )
  fake.takeLines()
  expect((await mirror.get(manifest('one', 'other'))).status).toBe(200)
  expect(fake.takeLines()).toEqual([
    'GET registry.test/v2/a/one/manifests/other',
    'GET auth.registry.test/token',
    'GET registry.test/v2/a/one/manifests/other',
  ])
})

test('a realm that moved is found by the next 401', async () => {
  const [fake, mirror] = settle()
  await mirror.get(manifest('one'))
  const realm = 'https://login.registry.test/v3'
  const lines = [`Bearer realm="${realm}",service="new"`]
  fake.change({ token: { realm }, challenge: { ping: lines, repository: lines } })
  fake.fail({ host: 'auth.registry.test' }, { kind: 'answer', answer: { status: 404 } })
  fake.takeLines()
  // The old realm is remembered; that it fails may cost one refused pull, not a day of them.
  await mirror.get(manifest('two'))
  expect((await mirror.get(manifest('three'))).status).toBe(200)
})

test('many at once share one token and one manifest', async () => {
  const [fake, mirror] = settle()
  const asked = Array.from({ length: 20 }, () => mirror.get(manifest('one')))
  for (const { status } of await Promise.all(asked)) expect(status).toBe(200)
  expect(fake.takeLines()).toEqual([
    'GET registry.test/v2/a/one/manifests/latest',
    'GET auth.registry.test/token',
    'GET registry.test/v2/a/one/manifests/latest',
  ])
})

test('different content of one repository, asked for at once, shares one token', async () => {
  const [fake, mirror] = settle()
  await mirror.get(manifest('two'))
  fake.takeLines()
  const blobs = [...image.blobs, ...other.blobs].map(
    ({ digest }) => `/v2/registry.test/a/one/blobs/${digest}`,
  )
  const paths = [manifest('one'), manifest('one', 'other'), ...blobs]
  for (const { status } of await Promise.all(paths.map((path) => mirror.get(path)))) {
    expect(status).toBe(200)
  }
  const lines = fake.takeLines()
  expect(lines).toHaveLength(paths.length + 1)
  expect(lines.filter((line) => line.includes('/token'))).toHaveLength(1)
})

test('a stale tag is revalidated with HEAD, which costs no pull at Docker Hub', async () => {
  const row = registries[0]!
  const fake = createFakeRegistry(row.settings)
  fake.push(row.repository, 'latest', image)
  const mirror = createTestMirror({ fetch: fake.fetch })
  await mirror.get(`${row.path}/manifests/latest`)
  expect(fake.pullsUsed).toBe(1)
  fake.takeLines()
  await mirror.clock.advance(61_000)
  expect((await mirror.get(`${row.path}/manifests/latest`)).status).toBe(200)
  expect(fake.takeLines()).toEqual(['HEAD registry-1.docker.io/v2/library/alpine/manifests/latest'])
  fake.push(row.repository, 'latest', other)
  await mirror.clock.advance(61_000)
  const moved = await mirror.get(`${row.path}/manifests/latest`)
  expect(moved.headers.get('docker-content-digest')).toBe(other.root.digest)
  expect(fake.pullsUsed).toBe(2)
})

test.each(['https://registry.test/v2/proxy', 'https://registry.test/v2/proxy/hub'])(
  'an endpoint below a project, %s, is asked for its own names and scopes',
  async (url) => {
    const project = url.replace('https://registry.test/v2/', '')
    const fake = createFakeRegistry()
    fake.push(`${project}/a/one`, 'latest', image)
    const config = JSON.stringify({ upstreams: { 'example.test': { endpoints: [{ url }] } } })
    const mirror = createTestMirror({ fetch: fake.fetch, config })
    const answer = await mirror.get('/v2/example.test/a/one/manifests/latest')
    expect(answer.status).toBe(200)
    const token = fake.calls.find(({ kind }) => kind === 'token')
    expect(token!.url.searchParams.get('scope')).toBe(`repository:${project}/a/one:pull`)
  },
)

function challenge(): string {
  return 'Bearer realm="https://auth.registry.test/token",service="registry.test",error="invalid_token"'
}
