import { ConfigError, parseConfig, type Config } from '@pullway/core/config'
import { describe, expect, test } from 'vitest'
import { createFakeClock } from '../fakes/clock.ts'
import { basic, bearer, createLoginWorld, tokenOf, usersFile } from '../fakes/login-world.ts'
import { createTestMirror, readAnswer, type TestMirror } from '../fakes/mirror.ts'
import { buildImage, createFakeRegistry, type FakeRegistry } from '../fakes/registry/index.ts'
import { dockerHub } from '../fakes/registry/profiles/docker-hub.ts'

/** A configuration that changes while the mirror runs. */

const image = buildImage({ seed: 71, layerBytes: 300_000 })
const layer = image.blobs[1]!
const blobPath = `/v2/library/app/blobs/${layer.digest}`

function parse(text: string): Config {
  return parseConfig(text, { file: 'pullway.yaml', environment: {} })
}

function settle(config = ''): { registry: FakeRegistry; mirror: TestMirror } {
  const clock = createFakeClock()
  const registry = createFakeRegistry(dockerHub, { clock })
  registry.push('library/app', 'latest', image)
  return { registry, mirror: createTestMirror({ fetch: registry.fetch, clock, config }) }
}

async function metric(mirror: TestMirror, line: string): Promise<number> {
  const { text } = await mirror.get('/metrics')
  const found = text.split('\n').find((one) => one.startsWith(`${line} `))
  return Number(found?.slice(line.length + 1))
}

describe('what runs', () => {
  test('goes on, also when its upstream is not configured any more', async () => {
    const { registry, mirror } = settle()
    const stall = registry.fail({ kind: 'blob-host' }, { kind: 'stall', afterBytes: 1000 })
    await mirror.get('/v2/library/app/manifests/latest')
    const running = await mirror.fetch(blobPath)
    expect(running.status).toBe(200)
    mirror.pullway.replace(parse('upstreams: { docker.io: { enabled: false } }'))
    const { status, code } = await mirror.get('/v2/docker.io/library/app/manifests/latest')
    expect([status, code]).toEqual([404, 'NAME_UNKNOWN'])
    stall.lift()
    const { bytes, broken } = await readAnswer(running)
    expect(broken).toBeUndefined()
    expect(Buffer.from(bytes).equals(layer.bytes)).toBe(true)
    await mirror.settle()
  })

  test('is joined by who comes after the change: one download', async () => {
    const { registry, mirror } = settle()
    const stall = registry.fail({ kind: 'blob-host' }, { kind: 'stall', afterBytes: 1000 })
    await mirror.get('/v2/library/app/manifests/latest')
    const before = await mirror.fetch(blobPath)
    const downloads = (): number =>
      registry.calls.filter(({ kind, method }) => kind === 'blob-host' && method === 'GET').length
    const sofar = downloads()
    mirror.pullway.replace(parse('timeouts: { idle: 1m }'))
    const after = await mirror.fetch(blobPath)
    expect(await metric(mirror, 'pullway_coalesced_total')).toBe(1)
    let isIdle = false
    void mirror.pullway.idle().then(() => (isIdle = true))
    await mirror.clock.advance(0)
    expect(isIdle).toBe(false)
    stall.lift()
    const all = await Promise.all([before, after].map(readAnswer))
    expect(all.map(({ bytes }) => Buffer.from(bytes).equals(layer.bytes))).toEqual([true, true])
    expect(downloads()).toBe(sofar)
    await mirror.settle()
    expect(isIdle).toBe(true)
    expect((await mirror.get(blobPath)).headers.get('cache-status')).toBe('pullway; hit')
  })
})

describe('what is known', () => {
  test('stays: counts, content, tokens of upstreams', async () => {
    const { registry, mirror } = settle()
    await mirror.get('/v2/library/app/manifests/latest')
    await mirror.settle()
    const requests = 'pullway_requests_total{upstream="docker.io",kind="manifest",status="200"}'
    expect(await metric(mirror, requests)).toBe(1)
    registry.takeLines()
    mirror.pullway.replace(parse('cache: { tags: { freshFor: 0s } }'))
    const again = await mirror.get('/v2/library/app/manifests/latest')
    expect(again.status).toBe(200)
    // The new life time holds at once, and the old token serves.
    expect(registry.calls.at(-1)).toMatchObject({ kind: 'manifest', method: 'HEAD' })
    expect(registry.takeLines()).toHaveLength(1)
    expect(await metric(mirror, requests)).toBe(2)
  })

  test('stays of an upstream that is configured as before, and of no other', async () => {
    const { registry, mirror } = settle()
    const path = `/v2/library/app/manifests/${image.root.digest}`
    expect((await mirror.get(path)).status).toBe(200)
    await mirror.settle()
    const fault = registry.fail({}, { kind: 'no-answer', failure: 'unreachable' })
    expect((await mirror.drive(mirror.get('/v2/library/app/manifests/none'))).status).toBe(503)
    fault.lift()
    // An image without its blobs is served from an upstream only that has had no trouble a moment ago.
    const probe = async (): Promise<number> => {
      const down = registry.fail({}, { kind: 'no-answer', failure: 'unreachable' })
      const { status } = await mirror.get(path)
      down.lift()
      return status
    }
    expect(await probe()).toBe(503)
    mirror.pullway.replace(parse('log: { level: warn }'))
    expect(await probe()).toBe(503)
    mirror.pullway.replace(parse('upstreams: { docker.io: { aliases: [hub] } }'))
    expect(await probe()).toBe(200)
  })
})

describe('clients', () => {
  test('keep their logins, and their count of wrong passwords', async () => {
    const world = createLoginWorld()
    const token = bearer(
      await world.token('?scope=repository:library/nginx:pull', 'alice:alice-password'),
    )
    const guess = async (): Promise<number> =>
      (await world.drive(world.token('', 'bob:wrong'))).status
    while ((await guess()) !== 429);
    const config = parse(`
access: { users: { htpasswd: ./htpasswd } }
upstreams: { docker.io: { endpoints: [{ url: 'https://registry.test' }] } }`)
    world.pullway.replace(config, { file: 'htpasswd', text: usersFile })
    expect((await world.pull(token)).status).toBe(200)
    expect(await guess()).toBe(429)
    world.pullway.replaceUsers({ file: 'htpasswd', text: usersFile.replace(/^alice.*\n/m, '') })
    expect((await world.pull(token)).status).toBe(401)
  })

  test('have the same streams open', async () => {
    const config = 'limits: { connections: 1 }'
    const { registry, mirror } = settle(config)
    const stall = registry.fail({ kind: 'blob-host' }, { kind: 'stall', afterBytes: 1000 })
    await mirror.get('/v2/library/app/manifests/latest')
    const running = await mirror.fetch(blobPath)
    mirror.pullway.replace(parse(`${config}\nlog: { level: warn }`))
    const { status, code } = await mirror.drive(mirror.get(blobPath))
    expect([status, code]).toEqual([429, 'TOOMANYREQUESTS'])
    stall.lift()
    await readAnswer(running)
    expect((await mirror.get(blobPath)).status).toBe(200)
  })

  test('are let in by the new rules from the next request on', async () => {
    const { mirror } = settle()
    const ask = async (): Promise<number> =>
      (await mirror.get('/v2/library/app/manifests/latest')).status
    expect(await ask()).toBe(200)
    mirror.pullway.replace(parse('access: { images: { deny: ["**/app"] } }'))
    expect(await ask()).toBe(403)
    mirror.pullway.replace(parse('access: { networks: { deny: [192.0.2.0/24] } }'))
    expect(await ask()).toBe(403)
    mirror.pullway.replace(parse(''))
    expect(await ask()).toBe(200)
  })
})

test('bad users leave all as it was', async () => {
  const world = createLoginWorld()
  const config = parse('access: { users: { htpasswd: ./htpasswd, anonymous: true } }')
  expect(() =>
    world.pullway.replace(config, { file: 'htpasswd', text: 'mallory:plain\n' }),
  ).toThrow(ConfigError)
  expect(() => world.pullway.replace(config)).toThrow(ConfigError)
  expect((await world.pull()).status).toBe(401)
  expect((await world.pull({ authorization: basic('alice:alice-password') })).status).toBe(200)
  expect(tokenOf(await world.token('', 'bob:bob-password')).token).not.toBe('')
})
