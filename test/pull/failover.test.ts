import { describe, expect, test } from 'vitest'
import { createTestMirror, type TestMirror } from '../fakes/mirror.ts'
import {
  answers,
  buildImage,
  createFakeRegistry,
  type Fault,
  type FaultTarget,
} from '../fakes/registry/index.ts'
import { dockerHub } from '../fakes/registry/profiles/docker-hub.ts'
import { createFailoverWorld, image, layer, root } from './failover-world.ts'

const answer = (name: keyof typeof answers): Fault => ({ kind: 'answer', answer: answers[name] })
const limitedFor = (seconds: number): Fault => ({
  kind: 'answer',
  answer: { ...answers.tooManyRequests, headers: { 'retry-after': String(seconds) } },
})

const faults: readonly [string, FaultTarget, Fault][] = [
  ['429', { host: 'registry-1.docker.io' }, limitedFor(60)],
  ['429 as text', { host: 'registry-1.docker.io' }, answer('tooManyRequestsText')],
  ['502', { host: 'registry-1.docker.io' }, answer('badGateway')],
  ['a blocking page', { host: 'registry-1.docker.io' }, answer('blockPage')],
  ['silence', { host: 'registry-1.docker.io' }, { kind: 'hang' }],
  [
    'no connection, DNS or TLS',
    { host: 'registry-1.docker.io' },
    { kind: 'no-answer', failure: 'unreachable' },
  ],
  ['429 of the realm', { kind: 'token', host: 'auth.docker.io' }, answer('tooManyRequests')],
  ['502 of the realm', { kind: 'token', host: 'auth.docker.io' }, answer('badGateway')],
  ['a silent realm', { kind: 'token', host: 'auth.docker.io' }, { kind: 'hang' }],
  ['a wrong token', { kind: 'token', host: 'auth.docker.io' }, answer('webPage')],
]

const pulls: readonly [
  string,
  (mirror: TestMirror) => ReturnType<TestMirror['get']>,
  Uint8Array,
][] = [
  ['a manifest by tag', (mirror) => mirror.get(`${root}/manifests/latest`), image.root.bytes],
  [
    'a manifest by digest',
    (mirror) => mirror.get(`${root}/manifests/${image.root.digest}`),
    image.root.bytes,
  ],
  ['a cold blob', (mirror) => mirror.get(`${root}/blobs/${layer.digest}`), layer.bytes],
  ['a HEAD', (mirror) => mirror.head(`${root}/manifests/latest`), new Uint8Array(0)],
  ['a HEAD of a blob', (mirror) => mirror.head(`${root}/blobs/${layer.digest}`), new Uint8Array(0)],
]

describe.each(faults)('%s', (_, target, fault) => {
  test.each(pulls)('%s comes from the second endpoint', async (__, pull, bytes) => {
    const { hub, second, mirror } = createFailoverWorld()
    hub.fail(target, fault)
    const { status, broken, bytes: got } = await mirror.drive(pull(mirror))
    expect([status, broken]).toEqual([200, undefined])
    expect(Buffer.compare(got, bytes)).toBe(0)
    expect(second.calls.length).toBeGreaterThan(0)
    await mirror.settle()
  })
})

const brokenBodies: readonly [string, Fault][] = [
  ['is cut', { kind: 'cut', afterBytes: 100_000 }],
  ['ends too soon', { kind: 'end-early', afterBytes: 100_000 }],
  ['falls silent', { kind: 'stall', afterBytes: 100_000 }],
]

describe('a download that', () => {
  const restOf = ({ second }: ReturnType<typeof createFailoverWorld>) =>
    second.calls.filter(({ kind, status }) => kind === 'blob' && status !== 401)

  test.each(brokenBodies)('%s goes on at the second endpoint', async (_, fault) => {
    const world = createFailoverWorld()
    const { hub, mirror } = world
    hub.fail({ kind: 'blob-host' }, fault)
    const { status, broken, bytes } = await mirror.drive(
      mirror.get(`${root}/blobs/${layer.digest}`),
    )
    expect([status, broken]).toEqual([200, undefined])
    expect(Buffer.compare(bytes, layer.bytes)).toBe(0)
    expect(restOf(world).map(({ headers }) => headers.get('range'))).toEqual([
      `bytes=100000-${layer.bytes.length - 1}`,
    ])
    const metrics = (await mirror.get('/metrics')).text
    expect(metrics).toContain('pullway_resumes_total 1\n')
    expect(metrics).toContain('endpoint="registry-1.docker.io"} 0\n')
    // Verified over the whole, and kept.
    await mirror.settle()
    const again = await mirror.get(`${root}/blobs/${layer.digest}`)
    expect(again.headers.get('cache-status')).toBe('pullway; hit')
  })

  test('is cut goes on where the second endpoint ignores ranges', async () => {
    const { hub, second, mirror } = createFailoverWorld()
    second.change({ blobHost: { ranges: 'ignore' } })
    hub.fail({ kind: 'blob-host' }, { kind: 'cut', afterBytes: 100_000 })
    const { broken, bytes } = await mirror.drive(mirror.get(`${root}/blobs/${layer.digest}`))
    expect(broken).toBeUndefined()
    expect(Buffer.compare(bytes, layer.bytes)).toBe(0)
  })

  test('is cut goes on at the first one again where the second does not have it', async () => {
    const { hub, second, mirror } = createFailoverWorld()
    hub.fail({ kind: 'blob-host', times: 1 }, { kind: 'cut', afterBytes: 100_000 })
    second.fail({ kind: 'blob' }, answer('blobUnknown'))
    const { broken, bytes } = await mirror.drive(mirror.get(`${root}/blobs/${layer.digest}`))
    expect(broken).toBeUndefined()
    expect(Buffer.compare(bytes, layer.bytes)).toBe(0)
  })

  test('is cut at both ends, each time, is put together all the same', async () => {
    const { hub, second, mirror } = createFailoverWorld()
    hub.fail({ kind: 'blob-host', times: 2 }, { kind: 'cut', afterBytes: 64_000 })
    second.fail({ kind: 'blob', times: 2 }, { kind: 'cut', afterBytes: 64_000 })
    const { broken, bytes } = await mirror.drive(mirror.get(`${root}/blobs/${layer.digest}`))
    expect(broken).toBeUndefined()
    expect(Buffer.compare(bytes, layer.bytes)).toBe(0)
  })

  test('goes on with wrong bytes is cut off, and kept nowhere', async () => {
    const { hub, second, mirror } = createFailoverWorld()
    hub.fail({ kind: 'blob-host' }, { kind: 'cut', afterBytes: 100_000 })
    const fault = second.fail({ kind: 'blob' }, { kind: 'wrong-bytes' })
    const spoilt = await mirror.drive(mirror.get(`${root}/blobs/${layer.digest}`))
    expect(spoilt.broken).toBeDefined()
    expect(spoilt.bytes.length).toBeLessThan(layer.bytes.length)
    fault.lift()
    const right = await mirror.drive(mirror.get(`${root}/blobs/${layer.digest}`))
    expect(Buffer.compare(right.bytes, layer.bytes)).toBe(0)
  })
})

test('who has sent wrong bytes is not asked for them again', async () => {
  const { hub, second, mirror } = createFailoverWorld()
  hub.fail({ kind: 'blob-host' }, { kind: 'wrong-bytes' })
  const spoilt = await mirror.drive(mirror.get(`${root}/blobs/${layer.digest}`))
  expect(spoilt.broken).toBeDefined()
  await mirror.settle()
  hub.takeLines()
  const { broken, bytes } = await mirror.get(`${root}/blobs/${layer.digest}`)
  expect(broken).toBeUndefined()
  expect(Buffer.compare(bytes, layer.bytes)).toBe(0)
  expect(hub.takeLines()).toEqual([])
  expect(second.calls.length).toBeGreaterThan(0)
})

test.each([
  ['with wrong bytes', { kind: 'wrong-bytes' }],
  ['that is a page', answer('webPage')],
  ['that breaks off', { kind: 'cut', afterBytes: 10 }],
] as const)('a manifest %s is taken from the second endpoint', async (_, fault) => {
  const { hub, mirror } = createFailoverWorld()
  hub.fail({ kind: 'manifest' }, fault)
  for (const reference of ['latest', image.root.digest]) {
    const { status, bytes } = await mirror.drive(mirror.get(`${root}/manifests/${reference}`))
    expect([status, bytes]).toEqual([200, image.root.bytes])
  }
})

describe('a small blob with wrong bytes', () => {
  const config = image.blobs[0]!
  const path = `${root}/blobs/${config.digest}`

  test.each([
    ['of the right length', { kind: 'wrong-bytes' }],
    ['that is a page', answer('accessDeniedPage')],
    ['that is empty', { kind: 'answer', answer: { status: 200, body: '' } }],
  ] as const)('%s is taken from the second endpoint, by all who want it', async (_, fault) => {
    const { hub, mirror } = createFailoverWorld()
    hub.fail({ kind: 'blob-host' }, fault)
    const range = { range: 'bytes=0-' }
    for (const { status, broken, bytes } of await mirror.drive(
      Promise.all([mirror.get(path), mirror.get(path), mirror.get(path, range)]),
    )) {
      expect([status === 206 || status === 200, broken]).toEqual([true, undefined])
      expect(Buffer.compare(bytes, config.bytes)).toBe(0)
    }
    await mirror.settle()
    expect((await mirror.get(path)).headers.get('cache-status')).toBe('pullway; hit')
  })

  test('of a length that nobody tells is taken from the second endpoint', async () => {
    const { hub, mirror } = createFailoverWorld()
    hub.change({ blobHost: { contentLength: false } })
    hub.fail({ kind: 'blob-host' }, { kind: 'wrong-bytes' })
    const { broken, bytes } = await mirror.drive(mirror.get(path))
    expect(broken).toBeUndefined()
    expect(Buffer.compare(bytes, config.bytes)).toBe(0)
  })

  test.each([
    ['curl/8', 503, 'UNAVAILABLE'],
    ['docker/28.0', 404, 'BLOB_UNKNOWN'],
  ])('at all endpoints is an error (%s)', async (userAgent, status, code) => {
    const { hub, second, mirror } = createFailoverWorld()
    hub.fail({ kind: 'blob-host' }, { kind: 'wrong-bytes' })
    second.fail({ kind: 'blob' }, { kind: 'wrong-bytes' })
    const told = await mirror.drive(mirror.get(path, { 'user-agent': userAgent }))
    expect([told.status, told.code]).toEqual([status, code])
    await mirror.settle()
    expect((await mirror.head(path)).headers.get('cache-status')).not.toBe('pullway; hit')
  })

  test('is not waited for where it comes slowly', async () => {
    const { hub, mirror } = createFailoverWorld()
    hub.fail({ kind: 'blob-host' }, { kind: 'stall', afterBytes: 10 })
    const response = mirror.fetch(path)
    await mirror.clock.advance(1_000)
    expect((await response).status).toBe(200)
    const { bytes } = await mirror.drive(
      (await response).arrayBuffer().then((all) => ({ bytes: new Uint8Array(all) })),
    )
    expect(Buffer.compare(bytes, config.bytes)).toBe(0)
  })
})

test('a blob that is announced with another length is taken from the second endpoint', async () => {
  const { hub, mirror } = createFailoverWorld()
  await mirror.get(`${root}/manifests/latest`)
  hub.fail({ kind: 'blob-host' }, { kind: 'headers', headers: { 'content-length': '299999' } })
  const { status, broken, bytes } = await mirror.get(`${root}/blobs/${layer.digest}`)
  expect([status, broken]).toEqual([200, undefined])
  expect(Buffer.compare(bytes, layer.bytes)).toBe(0)
})

test('a HEAD that storage refuses, as Docker Hub’s does, is no failure of the endpoint', async () => {
  const { hub, second, mirror } = createFailoverWorld()
  const answered = await mirror.head(`${root}/blobs/${layer.digest}`)
  expect([answered.status, answered.headers.get('content-length')]).toEqual([
    200,
    String(layer.bytes.length),
  ])
  expect(hub.calls.some(({ method, status }) => method === 'HEAD' && status === 403)).toBe(true)
  expect(second.calls).toEqual([])
})

/** The well-known combination: a mirror on a server, and one on another network behind it. */
describe('a chain of two mirrors', () => {
  const other = buildImage({ seed: 92, layerBytes: 1_000 })

  function settle() {
    const hub = createFakeRegistry(dockerHub)
    hub.push('library/alpine', 'latest', image)
    hub.push('library/other', 'latest', other)
    const behind = createTestMirror({ fetch: hub.fetch })
    const seen: string[] = []
    const front = createFakeRegistry(dockerHub)
    front.push('library/alpine', 'latest', image)
    front.push('library/other', 'latest', other)
    const endpoints = [{ url: 'https://registry-1.docker.io' }, { url: 'https://pullway.test' }]
    const mirror = createTestMirror({
      config: JSON.stringify({ upstreams: { 'docker.io': { endpoints } } }),
      fetch: async (request, options) => {
        const url = new URL(request.url)
        if (url.host !== 'pullway.test') return front.fetch(request, options)
        seen.push(`${request.method} ${url.pathname}`)
        return behind.fetch(request.url, { method: request.method, headers: request.headers })
      },
    })
    return { front, hub, mirror, seen }
  }

  test('the second one is used while the first endpoint limits, and not after that', async () => {
    const { front, mirror, seen } = settle()
    const fault = front.fail({ kind: 'manifest', method: 'GET' }, limitedFor(30))
    const first = await mirror.get(`${root}/manifests/latest`)
    expect([first.status, first.headers.get('docker-content-digest')]).toEqual([
      200,
      image.root.digest,
    ])
    front.takeLines()
    for (const { digest, bytes } of image.blobs) {
      const blob = await mirror.get(`${root}/blobs/${digest}`)
      expect(Buffer.compare(blob.bytes, bytes)).toBe(0)
    }
    expect(seen).toEqual([
      'GET /v2/library/alpine/manifests/latest',
      ...image.blobs.map(({ digest }) => `GET /v2/library/alpine/blobs/${digest}`),
    ])
    expect(front.takeLines()).toEqual([])
    fault.lift()
    await mirror.clock.advance(30_000)
    seen.length = 0
    expect((await mirror.get('/v2/library/other/manifests/latest')).status).toBe(200)
    expect(seen).toEqual([])
    expect(front.takeLines().length).toBeGreaterThan(0)
  })

  test('a stale copy is what is left when both limit, and says so', async () => {
    const { front, hub, mirror } = settle()
    await mirror.get(`${root}/manifests/latest`)
    for (const { digest } of image.blobs) await mirror.get(`${root}/blobs/${digest}`)
    await mirror.settle()
    await mirror.clock.advance(61_000)
    for (const registry of [front, hub]) registry.fail({}, limitedFor(30))
    const stale = await mirror.get(`${root}/manifests/latest`)
    expect([stale.status, stale.headers.get('cache-status')]).toEqual([
      200,
      'pullway; hit; detail=stale-rate-limited',
    ])
    const unknown = await mirror.get('/v2/library/other/manifests/latest')
    expect([unknown.status, unknown.code]).toEqual([429, 'TOOMANYREQUESTS'])
  })
})
