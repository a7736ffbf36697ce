import { createHash } from 'node:crypto'
import { createPullway, type Fetch, type KeyValue } from '@pullway/core'
import { parseConfig } from '@pullway/core/config'
import { createMemoryBlobStore } from '@pullway/memory'
import { createRedisKeyValue } from '@pullway/redis'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { until } from '../clients/process.ts'
import { createFakeClock, type FakeClock } from '../fakes/clock.ts'
import { readAnswer, type Answered } from '../fakes/mirror.ts'
import { buildImage, createFakeRegistry, type FakeRegistry } from '../fakes/registry/index.ts'
import { startRedis, type RedisServer } from './redis.ts'

let redis: RedisServer

beforeAll(async () => {
  redis = await startRedis()
})
beforeEach(() => redis.command('FLUSHALL'))
afterAll(() => redis.remove())

const image = buildImage({ seed: 61 })
const other = buildImage({ seed: 62 })
const root = '/v2/registry.test/owner/name'
const upstreamRoot = 'registry.test/v2/owner/name'
const tokenLine = 'GET auth.registry.test/token'
const timeoutMs = 500

interface Mirror {
  readonly logged: readonly string[]
  get(path: string): Promise<Answered>
}

/** A mirror with blobs of its own, and its state, tokens too, in the one Redis. */
function createMirror(fetch: Fetch, state: KeyValue, clock: FakeClock = createFakeClock()): Mirror {
  const logged: string[] = []
  const log = (...words: readonly unknown[]): void => void logged.push(JSON.stringify(words))
  const pullway = createPullway({
    config: parseConfig('upstreams: { registry.test: {} }', { file: 'a.yaml', environment: {} }),
    ports: {
      fetch,
      blobs: createMemoryBlobStore({ maxBytes: 2 ** 20 }),
      state,
      volatile: state,
      clock,
      createHasher: (algorithm) => {
        const hash = createHash(algorithm)
        return { update: (chunk) => void hash.update(chunk), hex: () => hash.digest('hex') }
      },
      logger: { info: log, warn: log, error: log, access: log },
    },
  })
  return {
    logged,
    async get(path) {
      const pending: Promise<unknown>[] = []
      const request = new Request(`http://mirror.test${path}`)
      const waitUntil = (work: Promise<unknown>): void => void pending.push(work)
      const answer = await readAnswer(await pullway.fetch(request, { waitUntil }))
      await Promise.all(pending)
      return answer
    },
  }
}

function open(): KeyValue {
  const store = createRedisKeyValue({ url: redis.url, timeoutMs })
  onTestFinished(() => store.close())
  return store
}

function createRegistry(): FakeRegistry {
  const fake = createFakeRegistry()
  fake.push('owner/name', 'latest', image)
  fake.push('owner/name', 'other', other)
  return fake
}

test('a second mirror knows the tag, and needs no token of its own', async () => {
  const fake = createRegistry()
  const [first, second] = [createMirror(fake.fetch, open()), createMirror(fake.fetch, open())]
  const tag = `GET ${upstreamRoot}/manifests/latest`
  const { digest } = await manifestOf(first)
  expect(fake.takeLines()).toEqual([tag, tokenLine, tag])

  expect((await manifestOf(second)).digest).toBe(digest)
  expect(fake.takeLines()).toEqual([`GET ${upstreamRoot}/manifests/${digest}`])

  const layer = image.blobs[1]!
  const pulled = await second.get(`${root}/blobs/${layer.digest}`)
  expect(Buffer.compare(pulled.bytes, layer.bytes)).toBe(0)
  expect(fake.takeLines()).not.toContain(tokenLine)
})

test('a tag that moved is seen by neither before its time, and asked for once by both', async () => {
  const fake = createRegistry()
  const clock = createFakeClock()
  const [first, second] = [open(), open()].map((state) => createMirror(fake.fetch, state, clock))
  const { digest } = await manifestOf(first!)
  fake.push('owner/name', 'latest', other)
  expect((await manifestOf(second!)).digest).toBe(digest)

  await clock.advance(61_000)
  const moved = await manifestOf(second!)
  expect(moved.digest).not.toBe(digest)
  fake.takeLines()
  expect(await manifestOf(first!)).toEqual(moved)
  expect(fake.takeLines()).toEqual([`GET ${upstreamRoot}/manifests/${moved.digest}`])
})

test('Redis killed between two pulls: they go on, and share again when it is back', async () => {
  const fake = createRegistry()
  const [first, second] = [createMirror(fake.fetch, open()), createMirror(fake.fetch, open())]
  const { digest } = await manifestOf(first)
  await manifestOf(second)
  fake.takeLines()

  await redis.kill()
  for (const mirror of [first, second]) {
    expect((await manifestOf(mirror)).digest).toBe(digest)
    const layer = image.blobs[1]!
    const { bytes } = await mirror.get(`${root}/blobs/${layer.digest}`)
    expect(Buffer.compare(bytes, layer.bytes)).toBe(0)
  }
  expect(fake.takeLines()).toContain(tokenLine)
  expect(first.logged.join('\n')).toContain('the cache fails; pulls go on without it')

  await redis.start()
  await until('the first mirror writes again', async () => {
    await manifestOf(first, 'other')
    return (await redis.command('KEYS', 'pullway:*')).includes('other')
  })
  await until('the second mirror reads again', async () => {
    fake.takeLines()
    await manifestOf(second, 'other')
    return !fake.takeLines().includes(`GET ${upstreamRoot}/manifests/other`)
  })
})

test('Redis killed in the middle of pulls: each ends well', async () => {
  const fake = createRegistry()
  const mirrors = Array.from({ length: 6 }, () => createMirror(fake.fetch, open()))
  await Promise.all(mirrors.map((mirror) => manifestOf(mirror)))
  const pulls = mirrors.flatMap((mirror) => [
    manifestOf(mirror, 'other'),
    ...[...image.blobs, ...other.blobs].map(async ({ digest, bytes }) => {
      const pulled = await mirror.get(`${root}/blobs/${digest}`)
      expect(pulled.broken).toBeUndefined()
      expect(Buffer.compare(pulled.bytes, bytes)).toBe(0)
    }),
  ])
  await redis.kill()
  await Promise.all(pulls)
  await redis.start()
})

test('Redis stopped: a pull waits for it once, the next ones do not', async () => {
  const fake = createRegistry()
  const mirror = createMirror(fake.fetch, open())
  await manifestOf(mirror)
  redis.pause()
  onTestFinished(() => redis.goOn())
  expect(await secondsOf(() => manifestOf(mirror, 'other'))).toBeLessThan(3)
  expect(await secondsOf(() => manifestOf(mirror))).toBeLessThan(timeoutMs / 1000)
})

async function manifestOf(mirror: Mirror, tag = 'latest'): Promise<{ readonly digest: string }> {
  const { status, headers, text } = await mirror.get(`${root}/manifests/${tag}`)
  expect(status, text).toBe(200)
  return { digest: headers.get('docker-content-digest')! }
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now()
  await work()
  return (performance.now() - begin) / 1000
}
