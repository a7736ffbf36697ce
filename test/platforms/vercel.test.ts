import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../clients/process.ts'
import { readAnswer, type Answered } from '../fakes/mirror.ts'
import { buildImage, buildMultiArch } from '../fakes/registry/index.ts'
import { startLoopbackRegistry, type LoopbackRegistry } from './loopback-registry.ts'
import { startVercelFunction, type VercelFunction } from './vercel.ts'

const index = buildMultiArch({ seed: 71, layerBytes: 40_000 })
const large = buildImage({ seed: 72, layers: 1, layerBytes: 60_000_000 })
const root = '/v2/registry.test/owner/name'

describe.each(['node', 'edge'] as const)('the function on the %s runtime', (runtime) => {
  let upstream: LoopbackRegistry
  let mirror: VercelFunction

  beforeAll(async () => {
    upstream = await startLoopbackRegistry()
    upstream.registry.push('owner/name', 'latest', index)
    upstream.registry.push('owner/name', 'large', large)
    const document = JSON.stringify({
      upstreams: {
        'registry.test': {
          endpoints: [{ url: '${UPSTREAM_URL}' }],
          trustedHosts: [upstream.otherHost],
        },
      },
    })
    mirror = await startVercelFunction(runtime, document, { UPSTREAM_URL: upstream.url })
  })

  afterAll(async () => {
    await mirror.stop()
    await upstream.stop()
  })

  async function get(path: string, headers: Readonly<Record<string, string>> = {}) {
    return readAnswer(await fetch(mirror.url + path, { headers }))
  }

  test('answers the ping and its health', async () => {
    expect((await get('/v2/')).status).toBe(200)
    expect((await get('/healthz')).text).toBe('ok\n')
  })

  test('gives an index by its tag, and all that hangs on it', async () => {
    const found: Answered[] = []
    const tagged = await get(`${root}/manifests/latest`)
    expect(tagged.bytes).toEqual(index.root.bytes)
    expect(tagged.headers.get('docker-content-digest')).toBe(index.root.digest)
    for (const { digest } of index.manifests) found.push(await get(`${root}/manifests/${digest}`))
    for (const { digest } of index.blobs) found.push(await get(`${root}/blobs/${digest}`))
    const wanted = [...index.manifests, ...index.blobs]
    expect(found.map(({ status }) => status)).toEqual(wanted.map(() => 200))
    expect(found.map(({ bytes }) => Buffer.from(bytes).toString('base64'))).toEqual(
      wanted.map(({ bytes }) => Buffer.from(bytes).toString('base64')),
    )
  })

  test('gives a part of a blob', async () => {
    const { digest, bytes } = large.blobs[1]!
    const part = await get(`${root}/blobs/${digest}`, { range: 'bytes=1000000-1000999' })
    expect(part.status).toBe(206)
    expect(part.headers.get('content-range')).toBe(`bytes 1000000-1000999/${bytes.length}`)
    expect(part.bytes).toEqual(bytes.slice(1_000_000, 1_001_000))
  })

  test('gives a layer that is larger than what an instance keeps', async () => {
    const { digest, bytes } = large.blobs[1]!
    const whole = await get(`${root}/blobs/${digest}`)
    expect([whole.status, whole.broken]).toEqual([200, undefined])
    expect(Buffer.compare(whole.bytes, bytes)).toBe(0)
  })

  test('says what is not there, and answers HEAD', async () => {
    const unknown = await get(`${root}/manifests/nothing`)
    expect([unknown.status, unknown.code]).toEqual([404, 'MANIFEST_UNKNOWN'])
    const head = await fetch(`${mirror.url}${root}/manifests/latest`, { method: 'HEAD' })
    expect(head.status).toBe(200)
    expect(head.headers.get('docker-content-digest')).toBe(index.root.digest)
  })

  test('logs each request', async () => {
    await get('/v2/?logged')
    await until('the line is there', () => mirror.log().includes('/v2/?logged'))
  })

  test('begins anew, with nothing kept, and asks the registry again', async () => {
    await mirror.restart()
    upstream.registry.takeLines()
    expect((await get(`${root}/manifests/latest`)).bytes).toEqual(index.root.bytes)
    expect(upstream.registry.takeLines().length).toBeGreaterThan(0)
  })
})
