import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Environment } from '../../adapters/cloudflare/src/bindings.ts'
import { prepareWorker } from '../../adapters/cloudflare/src/worker.ts'
import { createFakeClock } from '../fakes/clock.ts'
import { basic, hashes } from '../fakes/login-world.ts'
import { buildImage, createFakeRegistry } from '../fakes/registry/index.ts'
import { dockerHub } from '../fakes/registry/profiles/docker-hub.ts'
import {
  createFakeBucket,
  createFakeCache,
  createFakeExecution,
  createFakeNamespace,
  DigestStream,
  FixedLengthStream,
} from './fakes.ts'

const image = buildImage({ layers: 1, layerBytes: 200_000 })
const layer = image.blobs.at(-1)!
const manifestPath = '/v2/library/app/manifests/1'
const blobPath = `/v2/library/app/blobs/${layer.digest}`

const lines: { readonly method: string; readonly line: string }[] = []
let hub = createFakeRegistry(dockerHub)

beforeEach(() => {
  lines.length = 0
  hub = createFakeRegistry(dockerHub)
  hub.push('library/app', '1', image)
  vi.stubGlobal('FixedLengthStream', FixedLengthStream)
  vi.stubGlobal('fetch', (request: Request) => hub.fetch(request, { network: 'any' }))
  for (const method of ['log', 'warn', 'error'] as const) {
    vi.spyOn(console, method).mockImplementation(
      (line: string) => void lines.push({ method, line }),
    )
  }
})

afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

function start(environment: Environment = {}, config = '') {
  const worker = prepareWorker({ config, environment })
  return async (path: string, headers: Readonly<Record<string, string>> = {}) => {
    const execution = createFakeExecution()
    const request = new Request(`https://mirror.test${path}`, {
      headers: { accept: image.root.mediaType, 'cf-connecting-ip': '192.0.2.7', ...headers },
    })
    const response = await worker.fetch(request, {}, execution)
    const bytes = new Uint8Array(await response.arrayBuffer())
    await execution.settle()
    return { response, bytes, text: new TextDecoder().decode(bytes) }
  }
}

describe('a Worker with R2', () => {
  test('passes a layer through and takes it in beside, and then asks nobody', async () => {
    const bucket = createFakeBucket()
    const get = start({ BLOBS: bucket, STATE: createFakeNamespace(createFakeClock()) })
    expect((await get(manifestPath)).bytes).toEqual(image.root.bytes)
    const first = await get(blobPath)
    expect(first.bytes).toEqual(layer.bytes)
    expect(first.response.headers.get('cache-status')).toBe('pullway; fwd=miss')
    expect(bucket.objects.size).toBe(2)

    const callsBefore = hub.calls.length
    const again = await get(blobPath)
    expect(again.bytes).toEqual(layer.bytes)
    expect(again.response.headers.get('cache-status')).toBe('pullway; hit')
    const part = await get(blobPath, { range: 'bytes=100-299' })
    expect(part.response.status).toBe(206)
    expect(part.bytes).toEqual(layer.bytes.slice(100, 300))
    expect((await get(manifestPath)).bytes).toEqual(image.root.bytes)
    expect(hub.calls.length).toBe(callsBefore)
  })

  test('gives a range of what it has not, and takes in the whole', async () => {
    const bucket = createFakeBucket()
    const get = start({ BLOBS: bucket })
    await get(manifestPath)
    const part = await get(blobPath, { range: 'bytes=5-9' })
    expect(part.bytes).toEqual(layer.bytes.slice(5, 10))
    expect(part.response.headers.get('content-length')).toBe('5')
    expect(bucket.objects.size).toBe(2)
  })

  test('takes in a layer by parts from where it is told to', async () => {
    vi.stubGlobal('crypto', { DigestStream })
    // As in workerd, where all bodies are byte streams.
    vi.stubGlobal('fetch', async (request: Request) => {
      const response = await hub.fetch(request, { network: 'any' })
      return new Response(response.body && (await response.arrayBuffer()), response)
    })
    for (const [limit, uploads] of [
      ['199999', 1],
      ['5363466240', 0],
      ['', 0],
    ] as const) {
      const bucket = createFakeBucket()
      const parts = vi.spyOn(bucket, 'createMultipartUpload')
      const get = start({ BLOBS: bucket, PULLWAY_PARTS_ABOVE_BYTES: limit })
      await get(blobPath)
      expect((await get(blobPath)).response.headers.get('cache-status')).toBe('pullway; hit')
      expect(parts).toHaveBeenCalledTimes(uploads)
    }
  })

  test('takes in nothing that the upstream has changed', async () => {
    const bucket = createFakeBucket()
    const get = start({ BLOBS: bucket })
    await get(manifestPath)
    hub.fail({ kind: 'blob-host' }, { kind: 'wrong-bytes' })
    await get(blobPath)
    expect(bucket.objects.size).toBe(1)
    expect(lines.some(({ line }) => line.includes('a blob was not stored'))).toBe(true)
  })
})

test('asks the runtime to stay for a request whose client may leave', async () => {
  const fault = hub.fail({ kind: 'manifest' }, { kind: 'stall', afterBytes: 1 })
  const kept: Promise<unknown>[] = []
  const request = new Request(`https://mirror.test${manifestPath}`)
  const waitUntil = (work: Promise<unknown>): void => void kept.push(work)
  const answer = prepareWorker({ config: '', environment: {} }).fetch(request, {}, { waitUntil })
  let isDone = false
  void kept[0]?.then(() => (isDone = true))
  await vi.waitUntil(() =>
    hub.calls.some(({ kind, sentBytes }) => kind === 'manifest' && sentBytes > 0),
  )
  expect([kept.length, isDone]).toEqual([1, false])
  fault.lift()
  await kept[0]
  expect((await answer).status).toBe(200)
})

test('isolates share tags and tokens through KV', async () => {
  const shared = { BLOBS: createFakeBucket(), STATE: createFakeNamespace({ now: Date.now }) }
  await start(shared)(manifestPath)
  hub.takeLines()
  const { bytes } = await start({ ...shared })(manifestPath)
  expect(bytes).toEqual(image.root.bytes)
  expect(hub.takeLines()).toEqual([])
})

test('keeps manifests in the Cache API where nothing is bound, and passes layers through', async () => {
  vi.stubGlobal('caches', { default: createFakeCache() })
  await start()(manifestPath)
  const get = start()
  hub.takeLines()
  expect((await get(`/v2/library/app/manifests/${image.root.digest}`)).bytes).toEqual(
    image.root.bytes,
  )
  expect(hub.takeLines().some((line) => line.startsWith('GET') && line.includes('manifests'))).toBe(
    false,
  )
  expect((await get(blobPath)).bytes).toEqual(layer.bytes)
})

test.each(['', 'cache: {blobs: {driver: none}}', 'cache: {blobs: {driver: memory}}'])(
  'pulls with nothing bound and the configuration "%s"',
  async (config) => {
    const get = start({}, config)
    expect((await get(manifestPath)).bytes).toEqual(image.root.bytes)
    expect((await get(blobPath)).bytes).toEqual(layer.bytes)
  },
)

test('logs the address that Cloudflare tells', async () => {
  await start()('/v2/')
  expect(lines.map(({ line }) => line.split(' ')[0])).toEqual(['192.0.2.7'])
})

describe('a mistake in the configuration', () => {
  const secret = 'not-a-number-7f3a'
  test.each([
    { what: 'bundled', environment: {}, config: `tags: ${secret}`, says: 'pullway.yaml' },
    {
      what: 'in PULLWAY_CONFIG',
      environment: { PULLWAY_CONFIG: `tags: ${secret}` },
      config: '',
      says: 'PULLWAY_CONFIG',
    },
    {
      what: 'that only a Worker has',
      environment: {},
      config: 'cache: {state: {driver: redis, url: "redis://127.0.0.1"}}',
      says: 'cache.state.url',
    },
    ...[secret, '1e9', '-1', '5363466241', '1'.repeat(400)].map((bytes) => ({
      what: `about parts (${bytes.slice(0, 10)})`,
      environment: { BLOBS: createFakeBucket(), PULLWAY_PARTS_ABOVE_BYTES: bytes },
      config: '',
      says: 'PULLWAY_PARTS_ABOVE_BYTES',
    })),
  ])('$what is logged at each request, and told to no client', async (given) => {
    const get = start(given.environment, given.config)
    for (const path of ['/v2/', '/']) {
      lines.length = 0
      const { response, text } = await get(path)
      expect(response.status).toBe(500)
      expect(JSON.parse(text)).toMatchObject({ errors: [{ code: 'UNKNOWN' }] })
      expect(text).not.toMatch(/tags|redis|not-a-number/)
      expect(lines.map(({ method }) => method)).toEqual(['error'])
      expect(lines[0]?.line).toContain(given.says)
      expect(lines[0]?.line).not.toContain(secret)
    }
  })
})

test('variables and secrets fill the configuration', async () => {
  const config = 'upstreams: {docker.io: {aliases: ["${ALIAS}"]}}'
  const environment: Environment & { ALIAS: string } = { ALIAS: 'hub' }
  const { bytes } = await start(environment, config)('/v2/hub/library/app/manifests/1')
  expect(bytes).toEqual(image.root.bytes)
})

describe('the rate limit', () => {
  test('refuses an address that asks too often, in words that clients print', async () => {
    const asked: string[] = []
    const limit = async ({ key }: { key: string }) => {
      asked.push(key)
      return { success: asked.length < 2 }
    }
    const get = start({ LIMIT: { limit } })
    expect((await get('/v2/')).response.status).toBe(200)
    const { response, text } = await get(manifestPath)
    expect(response.status).toBe(429)
    expect(response.headers.get('retry-after')).toBe('10')
    expect(JSON.parse(text)).toMatchObject({ errors: [{ code: 'TOOMANYREQUESTS' }] })
    const key = 'limit/requests/address/192.0.2.7'
    expect(asked).toEqual([key, key])
    expect(hub.calls).toEqual([])
  })

  test('refuses nobody when it is out of order', async () => {
    const get = start({ LIMIT: { limit: () => Promise.reject(new Error('no answer')) } })
    expect((await get('/v2/')).response.status).toBe(200)
  })
})

describe('users', () => {
  const login = `carol:${hashes.carolHash}`
  const key = 'tokenKey: a key that every place of the Worker has'

  test('log in with PBKDF2', async () => {
    const get = start({}, `access: { users: { entries: ['${login}'], ${key} } }`)
    expect((await get('/v2/')).response.status).toBe(401)
    const authorization = basic('carol:carol-password')
    expect((await get('/v2/', { authorization })).response.status).toBe(200)
  })

  test.each([
    ['no key for tokens', `entries: ['${login}']`, /access\.users\.tokenKey.*is missing/],
    ['bcrypt', `entries: ['a:${hashes.aliceHash}'], ${key}`, /is bcrypt, which this platform/],
    [
      'many iterations',
      `entries: ['${login.replace('10000', '100001')}'], ${key}`,
      /100000 at most/,
    ],
    ['a file', `htpasswd: ./htpasswd, ${key}`, /this platform has no files/],
  ])('%s is a mistake', async (_, users, problem) => {
    const { response } = await start({}, `access: { users: { ${users} } }`)('/v2/')
    expect(response.status).toBe(500)
    expect(lines.map(({ line }) => line).join()).toMatch(problem)
  })
})
