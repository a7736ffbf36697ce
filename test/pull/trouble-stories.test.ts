import { describe, expect, test } from 'vitest'
import { createTestMirror, readAnswer, type TestMirror } from '../fakes/mirror.ts'
import {
  answers,
  buildImage,
  createFakeRegistry,
  mediaTypes,
  type Answer,
  type FakeRegistry,
} from '../fakes/registry/index.ts'
import { dockerHub } from '../fakes/registry/profiles/docker-hub.ts'

/** clients.md, section 8: the rows that take more than one request to tell. */

const image = buildImage({ seed: 61, layerBytes: 300_000 })
const layer = image.blobs[1]!
const root = '/v2/library/alpine'
const blobUrl = `${root}/blobs/${layer.digest}`

function settle(): [FakeRegistry, TestMirror] {
  const fake = createFakeRegistry(dockerHub)
  fake.push('library/alpine', 'latest', image)
  return [fake, createTestMirror({ fetch: fake.fetch })]
}

async function pullWhole(mirror: TestMirror): Promise<void> {
  await mirror.get(`${root}/manifests/latest`)
  for (const { digest } of image.blobs) await mirror.get(`${root}/blobs/${digest}`)
  await mirror.settle()
}

const staleReasons = [
  ['rate-limited', { kind: 'answer', answer: answers.tooManyRequests }],
  ['rate-limited', { kind: 'answer', answer: answers.tooManyRequestsText }],
  ['server-error', { kind: 'answer', answer: answers.badGateway }],
  ['unreachable', { kind: 'no-answer', failure: 'unreachable' }],
  ['timeout', { kind: 'hang' }],
] as const

test.each(staleReasons)('a copy that may be old, and why: %s (%#)', async (reason, fault) => {
  const [fake, mirror] = settle()
  await pullWhole(mirror)
  await mirror.clock.advance(61_000)
  fake.fail({}, fault)
  for (const method of ['head', 'get'] as const) {
    const answer = await mirror.drive(mirror[method](`${root}/manifests/latest`))
    expect(answer.status, method).toBe(200)
    expect(answer.headers.get('docker-content-digest')).toBe(image.root.digest)
    expect(answer.headers.get('warning')).toMatch(/^299 - "[^"\n]+"$/)
    expect(answer.headers.get('cache-status')).toBe(`pullway; hit; detail=stale-${reason}`)
  }
  const blob = await mirror.get(blobUrl)
  expect([blob.status, blob.headers.get('warning')]).toEqual([200, null])
})

test('an image that is gone upstream is gone here, unless the operator says otherwise', async () => {
  const statuses = []
  for (const config of ['', 'cache: { serveStaleOn: [not-found] }']) {
    const fake = createFakeRegistry(dockerHub)
    fake.push('library/alpine', 'latest', image)
    const mirror = createTestMirror({ fetch: fake.fetch, config })
    await pullWhole(mirror)
    await mirror.clock.advance(61_000)
    fake.fail({ kind: 'manifest' }, { kind: 'answer', answer: answers.manifestUnknown })
    statuses.push((await mirror.get(`${root}/manifests/latest`)).status)
  }
  expect(statuses).toEqual([404, 200])
})

describe('a download that breaks', () => {
  test('is taken up again where it broke, and the client sees nothing of it', async () => {
    const [fake, mirror] = settle()
    fake.fail({ kind: 'blob-host', times: 1 }, { kind: 'cut', afterBytes: 100_000 })
    const answer = await mirror.drive(mirror.get(blobUrl))
    expect([answer.status, answer.broken]).toEqual([200, undefined])
    expect(Buffer.compare(answer.bytes, layer.bytes)).toBe(0)
    const [first, second] = fake.calls.filter(({ kind }) => kind === 'blob-host')
    expect(first!.headers.get('range')).toBeNull()
    expect(second!.headers.get('range')).toMatch(/^bytes=\d+-\d*$/)
    expect(first!.sentBytes + second!.sentBytes).toBeLessThan(layer.bytes.length + 32 * 1024)
  })

  test('and whose link has expired meanwhile gets a new one', async () => {
    const [fake, mirror] = settle()
    fake.fail({ kind: 'blob-host', times: 1 }, { kind: 'cut', afterBytes: 100_000 })
    fake.change({ blobHost: { lifeSeconds: 0.1 } })
    fake.fail({ kind: 'blob-host', times: 1 }, { kind: 'answer', answer: answers.signatureExpired })
    const answer = await mirror.drive(mirror.get(blobUrl))
    expect(answer.broken).toBeUndefined()
    expect(Buffer.compare(answer.bytes, layer.bytes)).toBe(0)
  })

  test.each(['ignore', 'closed-only'] as const)(
    'goes on where ranges upstream are: %s',
    async (ranges) => {
      const [fake, mirror] = settle()
      fake.change({ blobHost: { ranges } })
      fake.fail({ kind: 'blob-host', times: 1 }, { kind: 'cut', afterBytes: 100_000 })
      const answer = await mirror.drive(mirror.get(blobUrl))
      expect(answer.broken).toBeUndefined()
      expect(Buffer.compare(answer.bytes, layer.bytes)).toBe(0)
    },
  )

  test('again and again is cut off, and leaves nothing behind', async () => {
    const [fake, mirror] = settle()
    const fault = fake.fail({ kind: 'blob-host' }, { kind: 'cut', afterBytes: 0 })
    const broken = await mirror.drive(mirror.get(blobUrl))
    expect(broken.status === 200 && broken.broken === undefined).toBe(false)
    fault.lift()
    await mirror.clock.advance(10_001)
    const whole = await mirror.drive(mirror.get(blobUrl))
    expect(Buffer.compare(whole.bytes, layer.bytes)).toBe(0)
  })

  test('that stops without an end is taken up after the idle limit', async () => {
    const [fake, mirror] = settle()
    fake.fail({ kind: 'blob-host', times: 1 }, { kind: 'stall', afterBytes: 50_000 })
    const answer = await mirror.drive(mirror.get(blobUrl))
    expect(answer.broken).toBeUndefined()
    expect(Buffer.compare(answer.bytes, layer.bytes)).toBe(0)
  })
})

test('wrong bytes break the connection before the last of them, are logged and forgotten', async () => {
  const [fake, mirror] = settle()
  const fault = fake.fail({ kind: 'blob-host' }, { kind: 'wrong-bytes' })
  const answer = await mirror.drive(mirror.get(blobUrl))
  expect(answer.broken).toBeDefined()
  expect(answer.bytes.length).toBeLessThan(layer.bytes.length)
  await mirror.settle()
  expect(mirror.logged.some((line) => line.includes(layer.digest))).toBe(true)
  fault.lift()
  const again = await mirror.drive(mirror.get(blobUrl))
  expect(Buffer.compare(again.bytes, layer.bytes)).toBe(0)
})

test('a big cold blob begins to arrive while it is still on its way', async () => {
  const [fake, mirror] = settle()
  const fault = fake.fail({ kind: 'blob-host' }, { kind: 'stall', afterBytes: 100_000 })
  const response = await mirror.fetch(blobUrl)
  expect(response.headers.get('content-length')).toBe(String(layer.bytes.length))
  const reader = response.body!.getReader()
  expect((await reader.read()).value!.length).toBeGreaterThan(0)
  reader.releaseLock()
  fault.lift()
  const rest = await readAnswer(response)
  expect(rest.broken).toBeUndefined()
})

const noManifests: readonly [string, Answer][] = [
  ['a page', answers.webPage],
  ['a page that says it is an index', { ...answers.webPage, contentType: mediaTypes.ociIndex }],
  [
    'an error that says it is a manifest',
    { status: 200, contentType: mediaTypes.ociManifest, body: '{"errors":[]}' },
  ],
  [
    'half a manifest',
    { status: 200, contentType: mediaTypes.ociManifest, body: '{"schemaVersion":2,"con' },
  ],
  ['nothing', { status: 200, contentType: mediaTypes.ociManifest }],
  ['5 MiB', { status: 200, contentType: mediaTypes.ociManifest, body: ' '.repeat(5 * 2 ** 20) }],
  ['an answer without content', { status: 204 }],
]

test.each(noManifests)('%s as manifest is no manifest, and is not kept', async (_, answer) => {
  for (const reference of ['latest', image.root.digest]) {
    const [fake, mirror] = settle()
    const fault = fake.fail({ kind: 'manifest' }, { kind: 'answer', answer })
    const spoiled = await mirror.drive(mirror.get(`${root}/manifests/${reference}`))
    expect([spoiled.status, spoiled.code]).toEqual([503, 'UNAVAILABLE'])
    fault.lift()
    const good = await mirror.get(`${root}/manifests/${reference}`)
    expect([good.status, good.headers.get('docker-content-digest')]).toEqual([
      200,
      image.root.digest,
    ])
  }
})

test('a manifest whose bytes are not those of its digest is refused', async () => {
  for (const reference of ['latest', image.root.digest]) {
    const [fake, mirror] = settle()
    fake.fail({ kind: 'manifest' }, { kind: 'wrong-bytes' })
    const answer = await mirror.drive(mirror.get(`${root}/manifests/${reference}`))
    expect([answer.status, answer.code]).toEqual([503, 'UNAVAILABLE'])
  }
})

test('/v2/ is well whatever the upstreams are', async () => {
  const [fake, mirror] = settle()
  fake.fail({}, { kind: 'no-answer', failure: 'unreachable' })
  for (const path of ['/v2/', '/v2', '/ghcr.io/v2/', '/v2/?ns=docker.io']) {
    const answer = await mirror.get(path, { authorization: 'Basic Og==' })
    expect([answer.status, answer.text], path).toEqual([200, '{}'])
    expect(answer.headers.get('docker-distribution-api-version')).toBe('registry/2.0')
    expect((await mirror.head(path)).headers.get('content-length')).toBe('2')
  }
  expect(fake.calls).toEqual([])
})

test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])(
  '%s is not for a mirror',
  async (method) => {
    const [fake, mirror] = settle()
    for (const path of [`${root}/blobs/uploads/`, `${root}/manifests/latest`, blobUrl, '/v2/']) {
      const answer = await readAnswer(await mirror.fetch(path, { method }))
      expect([answer.status, answer.code], path).toEqual([405, 'UNSUPPORTED'])
      expect(answer.headers.get('allow')).toBe('GET, HEAD')
      expect(answer.message).toContain('registry itself')
    }
    expect(fake.calls).toEqual([])
  },
)
