import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../clients/process.ts'
import { readAnswer } from '../fakes/mirror.ts'
import { buildImage, buildMultiArch } from '../fakes/registry/index.ts'
import { startLoopbackRegistry, type LoopbackRegistry } from './loopback-registry.ts'
import { startWorker, type LocalWorker } from './workerd.ts'

const index = buildMultiArch({ seed: 81, layerBytes: 40_000 })
const large = buildImage({ seed: 82, layers: 1, layerBytes: 20_000_000 })
const parted = buildImage({ seed: 83, layers: 1, layerBytes: 3_000_000 })
const herded = buildImage({ seed: 84, layers: 1, layerBytes: 1_000 })
const spoilt = buildImage({ seed: 85, layers: 1, layerBytes: 5_000 })
const claimed = buildImage({ seed: 86, layers: 1, layerBytes: 2_000_000 })
const pieced = buildImage({ seed: 87, layers: 1, layerBytes: 22_000_000 })
const spoiltPieces = buildImage({ seed: 88, layers: 1, layerBytes: 21_000_000 })
const root = '/v2/registry.test/owner/name'

let upstream: LoopbackRegistry
let worker: LocalWorker

beforeAll(async () => {
  upstream = await startLoopbackRegistry()
  const images = { index, large, parted, herded, spoilt, claimed, pieced, spoiltPieces }
  for (const [tag, image] of Object.entries(images)) {
    upstream.registry.push('owner/name', tag, image)
  }
  const endpoints = [{ url: upstream.url }]
  const upstreams = { 'registry.test': { endpoints, trustedHosts: [upstream.otherHost] } }
  worker = await startWorker(JSON.stringify({ upstreams }), {
    PULLWAY_PARTS_ABOVE_BYTES: '20500000',
  })
})

afterAll(async () => {
  await worker.stop()
  await upstream.stop()
})

async function get(path: string, headers: Readonly<Record<string, string>> = {}) {
  return readAnswer(await fetch(worker.url + root + path, { headers }))
}

/** Asks until the answer comes from R2. */
async function untilKept(
  path: string,
  asked: Readonly<Record<string, string>> = {},
): Promise<void> {
  await until(`${path} is in R2`, async () => {
    const { headers } = await get(path, asked)
    return headers.get('cache-status') === 'pullway; hit'
  })
}

test('pulls an image of several platforms, and then asks its upstream nothing', async () => {
  const paths = [
    '/manifests/index',
    ...index.manifests.map(({ digest }) => `/manifests/${digest}`),
    ...index.blobs.map(({ digest }) => `/blobs/${digest}`),
  ]
  const wanted = [index.root, ...index.manifests, ...index.blobs].map(({ bytes }) => bytes)
  for (const [place, path] of paths.entries())
    expect((await get(path)).bytes).toEqual(wanted[place])
  for (const path of paths) await untilKept(path)
  upstream.registry.takeLines()
  for (const [place, path] of paths.entries())
    expect((await get(path)).bytes).toEqual(wanted[place])
  expect(upstream.registry.takeLines()).toEqual([])
})

test('a new process has the tags of KV and the blobs of R2', async () => {
  await get('/manifests/large')
  const { digest, bytes } = large.blobs[1]!
  const passed = await get(`/blobs/${digest}`)
  expect([passed.status, passed.broken]).toEqual([200, undefined])
  expect(Buffer.compare(passed.bytes, bytes)).toBe(0)
  await untilKept(`/blobs/${digest}`)
  await worker.restart()
  upstream.registry.takeLines()
  expect((await get('/manifests/large')).bytes).toEqual(large.root.bytes)
  expect(upstream.registry.takeLines()).toEqual([])
  const kept = await get(`/blobs/${digest}`)
  expect(Buffer.compare(kept.bytes, bytes)).toBe(0)
  expect(upstream.registry.takeLines().filter((line) => line.startsWith('GET'))).toEqual([])
})

test('tells the length of a blob, of a part, and of a part from R2', async () => {
  await get('/manifests/parted')
  const { digest, bytes } = parted.blobs[1]!
  const range = { range: 'bytes=1000000-1000999' }
  const path = `/blobs/${digest}`
  const asked = async (): Promise<void> => {
    const part = await get(path, range)
    expect(part.status).toBe(206)
    expect(part.headers.get('content-length')).toBe('1000')
    expect(part.headers.get('content-range')).toBe(`bytes 1000000-1000999/${bytes.length}`)
    expect(part.bytes).toEqual(bytes.slice(1_000_000, 1_001_000))
  }
  const head = await fetch(worker.url + root + path, { method: 'HEAD' })
  expect(head.headers.get('content-length')).toBe(String(bytes.length))
  await asked()
  await untilKept(path)
  upstream.registry.takeLines()
  await asked()
  expect(upstream.registry.takeLines()).toEqual([])
})

test('many clients of one new tag get it by one request, also when the first of them leaves', async () => {
  const fault = upstream.registry.fail({ kind: 'manifest' }, { kind: 'stall', afterBytes: 10 })
  const leaving = new AbortController()
  const pullsBefore = upstream.registry.pullsUsed
  upstream.registry.takeLines()
  const left = fetch(`${worker.url}${root}/manifests/herded`, { signal: leaving.signal })
  left.catch(() => undefined)
  await until('the upstream is asked', () =>
    upstream.registry.takeLines().some((line) => line.includes('manifests/herded')),
  )
  const others = Array.from({ length: 20 }, () => get('/manifests/herded'))
  leaving.abort()
  await expect(left).rejects.toThrow()
  // Behind them: when this is answered, they have all arrived.
  await (await fetch(`${worker.url}/healthz`)).text()
  fault.lift()
  for (const { status, bytes } of await Promise.all(others)) {
    expect(status).toBe(200)
    expect(bytes).toEqual(herded.root.bytes)
  }
  expect(upstream.registry.pullsUsed - pullsBefore).toBe(1)
})

test('R2 takes in nothing of another digest', async () => {
  await get('/manifests/spoilt')
  const { digest, bytes } = spoilt.blobs[1]!
  const fault = upstream.registry.fail({ kind: 'blob-host' }, { kind: 'wrong-bytes' })
  expect((await get(`/blobs/${digest}`)).bytes).not.toEqual(bytes)
  await until('the refusal is in the log', () => worker.log().includes('a blob was not stored'))
  fault.lift()
  const right = await get(`/blobs/${digest}`)
  expect(right.headers.get('cache-status')).toBe('pullway; fwd=miss')
  expect(right.bytes).toEqual(bytes)
})

test('a layer above the limit gets into R2 by parts, if its digest is right', async () => {
  await get('/manifests/spoiltPieces')
  const wrong = spoiltPieces.blobs[1]!
  const fault = upstream.registry.fail({ kind: 'blob-host' }, { kind: 'wrong-bytes' })
  const { length } = worker.log()
  await get(`/blobs/${wrong.digest}`)
  await until('the refusal is in the log', () =>
    worker.log().slice(length).includes('the bytes have another digest'),
  )
  fault.lift()
  await get('/manifests/pieced')
  const { digest, bytes } = pieced.blobs[1]!
  expect(Buffer.compare((await get(`/blobs/${digest}`)).bytes, bytes)).toBe(0)
  await untilKept(`/blobs/${digest}`, { range: 'bytes=0-0' })
  const kept = await get(`/blobs/${digest}`)
  expect(Buffer.compare(kept.bytes, bytes)).toBe(0)
  const part = await get(`/blobs/${digest}`, { range: 'bytes=16777000-16778000' })
  expect([part.status, part.headers.get('cache-status')]).toEqual([206, 'pullway; hit'])
  expect(Buffer.compare(part.bytes, bytes.subarray(16_777_000, 16_778_001))).toBe(0)
  expect((await get(`/blobs/${wrong.digest}`)).headers.get('cache-status')).toBe(
    'pullway; fwd=miss',
  )
})

test('another process does not store a layer that one has begun to store', async () => {
  await get('/manifests/claimed')
  const { digest, bytes } = claimed.blobs[1]!
  const isLayer = (line: string): boolean =>
    line.startsWith('GET') && line.includes(digest.slice('sha256:'.length))
  const fault = upstream.registry.fail({ kind: 'blob-host' }, { kind: 'stall', afterBytes: 10 })
  upstream.registry.takeLines()
  const lines: string[] = []
  const left = fetch(`${worker.url}${root}/blobs/${digest}`)
  left.then((response) => response.text()).catch(() => undefined)
  await until('the layer is asked for twice', () => {
    lines.push(...upstream.registry.takeLines().filter(isLayer))
    return lines.filter((line) => !line.includes('/v2/')).length === 2
  })
  await worker.restart()
  fault.lift()
  upstream.registry.takeLines()
  for (const time of [1, 2]) {
    const passed = await get(`/blobs/${digest}`)
    expect(passed.headers.get('cache-status'), `pull ${time}`).toBe('pullway; fwd=miss')
    expect(Buffer.compare(passed.bytes, bytes)).toBe(0)
  }
  const asked = upstream.registry.takeLines().filter(isLayer)
  expect(asked.filter((line) => !line.includes('/v2/'))).toHaveLength(2)
})
