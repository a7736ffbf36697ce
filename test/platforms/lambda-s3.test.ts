import type { Digest } from '@pullway/core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { accessKeyId, bucket, secretAccessKey } from '../contract/s3-server.ts'
import { createGate } from '../contract/s3-support.ts'
import { readAnswer } from '../fakes/mirror.ts'
import { buildImage } from '../fakes/registry/index.ts'
import { type Bucket, startBucket } from './bucket.ts'
import { startLambda, type LambdaFunction } from './lambda/start-lambda.ts'
import { startLoopbackRegistry, type LoopbackRegistry } from './loopback-registry.ts'

const small = buildImage({ seed: 91, layers: 1, layerBytes: 2_000_000 })
const large = buildImage({ seed: 92, layers: 1, layerBytes: 7_000_000 })
const filled = buildImage({ seed: 93, layers: 1, layerBytes: 20_000_000 })
const spoilt = buildImage({ seed: 94, layers: 1, layerBytes: 7_000_000 })
const unnamed = buildImage({ seed: 96, layers: 1, layerBytes: 7_000_000 })
const root = '/v2/registry.test/owner/name'

let s3: Bucket
let upstream: LoopbackRegistry
/** While it is closed, the bucket takes the first bytes of an object and no more. */
let gate = createGate()

beforeAll(async () => {
  gate.open()
  s3 = await startBucket({ onBytes: () => gate.opened })
  upstream = await startLoopbackRegistry()
  for (const [tag, image] of Object.entries({ small, large, filled, spoilt, unnamed }))
    upstream.registry.push('owner/name', tag, image)
})

afterAll(async () => {
  await upstream.stop()
  await s3.stop()
})

test('what one instance has fetched, the next one has in the bucket', async () => {
  const { digest, bytes } = small.blobs[1]!
  await withFunction(async (ask) => {
    expect((await ask(`${root}/manifests/small`)).status).toBe(200)
    expect(Buffer.compare((await ask(`${root}/blobs/${digest}`)).bytes, bytes)).toBe(0)
    // An instance takes this when the last invocation is over, with all that it was to keep.
    expect((await ask('/healthz')).status).toBe(200)
  })
  expect(await s3.store.stat(digest as Digest)).toEqual({ size: bytes.length })

  upstream.registry.takeLines()
  await withFunction(async (ask) => {
    expect(Buffer.compare((await ask(`${root}/blobs/${digest}`)).bytes, bytes)).toBe(0)
  })
  // Whether the repository holds it, only the upstream knows.
  const lines = upstream.registry.takeLines()
  expect(lines.filter((line) => line.startsWith('HEAD ')).length).toBeGreaterThan(0)
  expect(lines.filter((line) => line.startsWith('GET ') && line.includes('/blobs/'))).toEqual([])
})

test('a large blob that another mirror has put into the bucket goes by its presigned link', async () => {
  const { digest, bytes } = large.blobs[1]!
  const write = await s3.store.write(digest as Digest, bytes.length)
  await write.append([bytes])
  await write.commit()
  await write.release()
  await withFunction(async (ask) => {
    expect((await ask(`${root}/manifests/large`)).status).toBe(200)
    const answer = await ask(`${root}/blobs/${digest}`)
    expect(answer.status).toBe(307)
    const location = new URL(answer.headers.get('location')!)
    expect(location.origin).toBe(s3.endpoint)
    expect(Buffer.compare((await readAnswer(await fetch(location))).bytes, bytes)).toBe(0)
  })
})

test('the first client of a large blob gets the upstream’s link at once, later ones the bucket’s', async () => {
  const { digest, bytes } = filled.blobs[1]!
  await withFunction(async (ask) => {
    expect((await ask(`${root}/manifests/filled`)).status).toBe(200)
    gate = createGate()
    onTestFinished(() => gate.open())
    const first = await ask(`${root}/blobs/${digest}`)
    expect(first.status).toBe(307)
    expect(new URL(first.headers.get('location')!).host).toBe(upstream.otherHost)
    expect(await s3.store.stat(digest as Digest)).toBeUndefined()
    gate.open()
    // An instance takes this when the last invocation is over, with all that it was to keep.
    expect((await ask('/healthz')).status).toBe(200)
    expect(await s3.store.stat(digest as Digest)).toEqual({ size: bytes.length })
    upstream.registry.takeLines()
    const next = await ask(`${root}/blobs/${digest}`)
    const location = new URL(next.headers.get('location')!)
    expect([next.status, location.origin]).toEqual([307, s3.endpoint])
    expect(Buffer.compare((await readAnswer(await fetch(location))).bytes, bytes)).toBe(0)
    expect(upstream.registry.takeLines()).toEqual([])
  })
})

test('wrong bytes never become visible in the bucket', async () => {
  const { digest } = spoilt.blobs[1]!
  await withFunction(async (ask) => {
    expect((await ask(`${root}/manifests/spoilt`)).status).toBe(200)
    for (const content of ['wrong', 'right'] as const) {
      upstream.registry.change({ blobHost: { content } })
      const { status, headers } = await ask(`${root}/blobs/${digest}`)
      expect(status).toBe(307)
      expect(new URL(headers.get('location')!).host).toBe(upstream.otherHost)
      expect((await ask('/healthz')).status).toBe(200)
      const isThere = (await s3.store.stat(digest as Digest)) !== undefined
      expect([content, isThere]).toEqual([content, content === 'right'])
    }
  })
})

test('of a blob whose size nobody has told, a HEAD decides', async () => {
  const [config, layer] = unnamed.blobs
  await withFunction(async (ask) => {
    upstream.registry.takeLines()
    const small = await ask(`${root}/blobs/${config!.digest}`)
    expect([small.status, small.bytes.length]).toEqual([200, config!.bytes.length])
    expect((await ask(`${root}/blobs/${layer!.digest}`)).status).toBe(307)
    const lines = upstream.registry.takeLines()
    for (const { digest } of unnamed.blobs)
      expect(lines.some((line) => line.startsWith('HEAD ') && line.includes(digest))).toBe(true)
  })
})

type Ask = (path: string) => ReturnType<typeof readAnswer>

/** A function that starts cold: what it has, it has from the bucket. */
async function withFunction(story: (ask: Ask) => Promise<void>): Promise<void> {
  const endpoints = [{ url: upstream.url }]
  const trustedHosts = [upstream.otherHost]
  const mirror: LambdaFunction = await startLambda({
    document: JSON.stringify({ upstreams: { 'registry.test': { endpoints, trustedHosts } } }),
    environment: {
      PULLWAY_S3_BUCKET: bucket,
      PULLWAY_S3_ENDPOINT: s3.endpoint,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    },
  })
  try {
    await story(async (path) => readAnswer(await fetch(mirror.url + path, { redirect: 'manual' })))
  } finally {
    await mirror.stop()
  }
}
