import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { until } from '../clients/process.ts'
import { readAnswer } from '../fakes/mirror.ts'
import { buildImage, buildMultiArch } from '../fakes/registry/index.ts'
import { buildZip, startLambda, type LambdaFunction } from './lambda/start-lambda.ts'
import { startLoopbackRegistry, type LoopbackRegistry } from './loopback-registry.ts'

const index = buildMultiArch({ seed: 81, layerBytes: 40_000 })
const large = buildImage({ seed: 82, layers: 1, layerBytes: 6 * 1024 * 1024 + 1 })
const medium = buildImage({ seed: 83, layers: 1, layerBytes: 5_000_000 })
const root = '/v2/registry.test/owner/name'

test('the zip holds the code and the configuration, readable by all', async () => {
  const entries = await buildZip()
  expect(entries.map(({ name, mode }) => [name, mode.toString(8)])).toEqual([
    ['index.mjs', '644'],
    ['admin.mjs', '644'],
    ['pullway.yaml', '644'],
  ])
})

test('the zip as it is answers the ping', async () => {
  const mirror = await startLambda()
  onTestFinished(() => mirror.stop())
  const answer = await readAnswer(await fetch(`${mirror.url}/v2/`))
  expect([answer.status, answer.text]).toEqual([200, '{}'])
})

test('a wrong configuration is a 500, and its mistake stands in the log only', async () => {
  const mirror = await startLambda({ document: 'upstreams: { docker.io: { entpoints: [] } }' })
  onTestFinished(() => mirror.stop())
  const answer = await readAnswer(await fetch(`${mirror.url}/v2/`))
  expect(answer.status).toBe(500)
  expect(answer.text).not.toContain('entpoints')
  await until('the log says it', () => /pullway\.yaml.*entpoints/.test(mirror.log()))
})

describe('the function in front of a registry', () => {
  let upstream: LoopbackRegistry
  let mirror: LambdaFunction

  beforeAll(async () => {
    upstream = await startLoopbackRegistry()
    upstream.registry.push('owner/name', 'latest', index)
    upstream.registry.push('owner/name', 'large', large)
    upstream.registry.push('owner/name', 'medium', medium)
    const endpoints = [{ url: '${UPSTREAM_URL}' }]
    const trustedHosts = [upstream.otherHost]
    const document = JSON.stringify({
      upstreams: { 'registry.test': { endpoints, trustedHosts } },
      log: { format: 'json' },
    })
    mirror = await startLambda({ document, environment: { UPSTREAM_URL: upstream.url } })
  })

  afterAll(async () => {
    await mirror.stop()
    await upstream.stop()
  })

  async function ask(path: string, init: RequestInit = {}) {
    return readAnswer(await fetch(mirror.url + path, { redirect: 'manual', ...init }))
  }

  test('gives an index by its tag, and all that hangs on it', async () => {
    const tagged = await ask(`${root}/manifests/latest`)
    expect(tagged.headers.get('docker-content-digest')).toBe(index.root.digest)
    expect(Buffer.compare(tagged.bytes, index.root.bytes)).toBe(0)
    for (const { digest, bytes } of index.manifests) {
      expect(Buffer.compare((await ask(`${root}/manifests/${digest}`)).bytes, bytes)).toBe(0)
    }
    for (const { digest, bytes } of index.blobs) {
      expect(Buffer.compare((await ask(`${root}/blobs/${digest}`)).bytes, bytes)).toBe(0)
    }
  })

  test('gives a blob of some megabytes, then keeps it, and gives a part of it', async () => {
    const { digest, bytes } = medium.blobs[1]!
    expect((await ask(`${root}/manifests/medium`)).status).toBe(200)
    const answer = await ask(`${root}/blobs/${digest}`)
    expect(answer.headers.get('content-length')).toBe(String(bytes.length))
    expect(Buffer.compare(answer.bytes, bytes)).toBe(0)
    const calls = upstream.registry.calls.length
    const part = await ask(`${root}/blobs/${digest}`, { headers: { range: 'bytes=1-4' } })
    expect(part.status).toBe(206)
    expect([...part.bytes]).toEqual([...bytes.slice(1, 5)])
    expect(upstream.registry.calls).toHaveLength(calls)
  })

  test('sends a client to the upstream for a blob that the platform would throttle', async () => {
    const { digest, bytes } = large.blobs[1]!
    expect((await ask(`${root}/manifests/large`)).status).toBe(200)
    upstream.registry.takeLines()
    const answer = await ask(`${root}/blobs/${digest}`)
    expect(answer.status).toBe(307)
    const location = new URL(answer.headers.get('location')!)
    expect(location.host).toBe(upstream.otherHost)
    // Without a bucket there is nowhere to keep it: when this is answered, nothing was fetched behind the link.
    expect((await ask('/healthz')).status).toBe(200)
    const lines = upstream.registry.takeLines()
    expect(lines.filter((line) => line.includes(upstream.otherHost))).toEqual([])
    expect(Buffer.compare((await readAnswer(await fetch(location))).bytes, bytes)).toBe(0)
  })

  test.each([
    { what: 'HEAD of a manifest', path: 'manifests/latest', init: { method: 'HEAD' }, status: 200 },
    {
      what: 'what the client has',
      path: 'manifests/latest',
      init: { headers: { 'if-none-match': `"${index.root.digest}"` } },
      status: 304,
    },
    { what: 'an unknown tag', path: 'manifests/none', init: {}, status: 404 },
  ])('answers and ends: $what', async ({ path, init, status }) => {
    const answer = await ask(`${root}/${path}`, init)
    expect(answer.status).toBe(status)
    expect(answer.broken).toBeUndefined()
    if (status !== 404) expect(answer.bytes).toHaveLength(0)
  })

  test('a layer that breaks off upstream breaks off here', async () => {
    const image = buildImage({ seed: 84, layers: 1, layerBytes: 3_000_000 })
    const { digest } = image.blobs[1]!
    upstream.registry.push('owner/name', 'cut', image)
    expect((await ask(`${root}/manifests/cut`)).status).toBe(200)
    upstream.registry.change({ blobHost: { content: 'wrong' } })
    onTestFinished(() => upstream.registry.change({ blobHost: { content: 'right' } }))
    const answer = await ask(`${root}/blobs/${digest}`)
    expect(answer.status).toBe(200)
    expect(answer.broken).toBeDefined()
    upstream.registry.change({ blobHost: { content: 'right' } })
    expect((await ask(`${root}/blobs/${digest}`)).broken).toBeUndefined()
  })

  test('a client that goes in mid-body leaves the function free for the next one', async () => {
    const { digest } = medium.blobs[1]!
    const { hostname, port } = new URL(mirror.url)
    const socket = connect(Number(port), hostname)
    socket.write(`GET ${root}/blobs/${digest} HTTP/1.1\r\nHost: x\r\n\r\n`)
    await new Promise((resolve) => socket.once('data', resolve))
    socket.destroy()
    expect((await ask('/healthz')).text).toBe('ok\n')
  })

  test('logs the client that the Function URL names, and what it was sent', async () => {
    await ask('/v2/', { headers: { 'user-agent': 'logged/1' } })
    await until('the line is there', () => mirror.log().includes('logged/1'))
    const line = mirror
      .log()
      .split('\n')
      .find((each) => each.includes('logged/1'))
    expect(line).toContain('127.0.0.1')
  })

  test('a request over 6 MB never reaches the function', async () => {
    const body = new Uint8Array(6 * 1024 * 1024 + 1)
    // The front may answer and close before the client has sent all.
    const answer = await fetch(`${mirror.url}/v2/`, { method: 'POST', body }).catch(() => undefined)
    expect(answer?.status ?? 413).toBe(413)
    await ask('/v2/', { headers: { 'user-agent': 'after/1' } })
    await until('the next one is logged', () => mirror.log().includes('after/1'))
    expect(mirror.log()).not.toContain('POST')
  })
})
