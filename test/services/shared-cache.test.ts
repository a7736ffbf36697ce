import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseConfig } from '@pullway/core/config'
import { startServer } from '@pullway/node'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { makeFolder } from '../clients/folder.ts'
import { digestOf } from '../contract/content.ts'
import { accessKeyId, bucket, createS3Server, secretAccessKey } from '../contract/s3-server.ts'
import { buildImage } from '../fakes/registry/index.ts'
import { type LoopbackRegistry, startLoopbackRegistry } from '../platforms/loopback-registry.ts'
import { type RedisServer, startRedis } from './redis.ts'

let redis: RedisServer
let upstream: LoopbackRegistry
let s3: Server
let s3Port = 0
let folder: Awaited<ReturnType<typeof makeFolder>>

const image = buildImage({ seed: 71, layerBytes: 12 * 2 ** 20 })
const layer = image.blobs[1]!

beforeAll(async () => {
  redis = await startRedis()
  upstream = await startLoopbackRegistry()
  folder = await makeFolder('s3')
  s3 = await createS3Server(folder.path)
  s3.listen(0, '127.0.0.1')
  await once(s3, 'listening')
  s3Port = (s3.address() as AddressInfo).port
})

afterAll(async () => {
  s3.closeAllConnections()
  s3.close()
  await Promise.all([redis.remove(), upstream.stop()])
  await folder.remove()
})

/** One of several servers in front of one bucket and one Redis. */
async function startMirror(more = ''): Promise<string> {
  const text = `
listen: 127.0.0.1:0
upstreams:
  registry.test:
    default: true
    endpoints: [{ url: "${upstream.url}" }]
    trustedHosts: [127.0.0.1]
    ${more}
cache:
  blobs:
    driver: s3
    endpoint: http://127.0.0.1:${String(s3Port)}
    bucket: ${bucket}
    accessKeyId: ${accessKeyId}
    secretAccessKey: ${secretAccessKey}
    prefix: cache
  state: { driver: redis, url: "${redis.url}" }
log: { level: error }
`
  const config = parseConfig(text, { file: 'pullway.yaml', environment: {} })
  const logger = { info: none, warn: none, error: none, access: none, flush: async () => undefined }
  const server = await startServer(config, { logger })
  onTestFinished(async () => {
    await server.stop(5_000)
  })
  return server.url
}

function none(): void {
  return undefined
}

async function pull(mirror: string, name: string): Promise<string> {
  const manifest = await fetch(`${mirror}/v2/${name}/manifests/latest`)
  expect(manifest.status).toBe(200)
  await manifest.arrayBuffer()
  const blob = await fetch(`${mirror}/v2/${name}/blobs/${layer.digest}`)
  expect(blob.status).toBe(200)
  return digestOf(new Uint8Array(await blob.arrayBuffer()))
}

function blobCalls(): number {
  return upstream.registry.calls.filter(({ url }) => url.pathname.startsWith('/blobs/')).length
}

test('what one server has pulled, another one serves without its upstream', async () => {
  upstream.registry.push('owner/shared', 'latest', image)
  const first = await startMirror()
  expect(await pull(first, 'owner/shared')).toBe(layer.digest)

  const second = await startMirror()
  await expect.poll(() => isStored(second), { timeout: 10_000 }).toBe(true)
  const before = upstream.registry.calls.length
  expect(await pull(second, 'owner/shared')).toBe(layer.digest)
  expect(upstream.registry.calls.slice(before).map(({ kind }) => kind)).toEqual([])
})

/** A HEAD is answered from the bucket as soon as the blob is visible there. */
async function isStored(mirror: string): Promise<boolean> {
  const url = `${mirror}/v2/owner/shared/blobs/${layer.digest}`
  const head = await fetch(url, { method: 'HEAD' })
  return head.headers.get('cache-status') === 'pullway; hit'
}

test('many clients of one server cost one download, also into a bucket', async () => {
  const own = buildImage({ seed: 72, layerBytes: 9 * 2 ** 20 })
  upstream.registry.push('owner/herd', 'latest', own)
  const mirror = await startMirror()
  await (await fetch(`${mirror}/v2/owner/herd/manifests/latest`)).arrayBuffer()
  const before = blobCalls()
  const url = `${mirror}/v2/owner/herd/blobs/${own.blobs[1]!.digest}`
  const digests = await Promise.all(
    Array.from({ length: 10 }, async () =>
      digestOf(new Uint8Array(await (await fetch(url)).arrayBuffer())),
    ),
  )
  expect(new Set(digests)).toEqual(new Set([own.blobs[1]!.digest]))
  expect(blobCalls() - before).toBe(1)
})

test('with links wanted, clients are sent to the bucket, and get the bytes there', async () => {
  const mirror = await startMirror('blobs: redirect')
  const url = `${mirror}/v2/owner/shared/blobs/${layer.digest}`
  const answer = await fetch(url, { redirect: 'manual' })
  expect(answer.status).toBe(307)
  const location = answer.headers.get('location') ?? ''
  expect(new URL(location).port).toBe(String(s3Port))
  const bytes = new Uint8Array(await (await fetch(location)).arrayBuffer())
  expect(digestOf(bytes)).toBe(layer.digest)
  expect(location).not.toContain(`${secretAccessKey}&`)
})

test('with links wanted, the bucket fills behind the upstream’s first link, for all servers', async () => {
  const own = buildImage({ seed: 74, layerBytes: 9 * 2 ** 20 })
  const { digest } = own.blobs[1]!
  upstream.registry.push('owner/linked', 'latest', own)
  const mirrors = [await startMirror('blobs: redirect'), await startMirror('blobs: redirect')]
  const ask = async (mirror: string): Promise<URL> => {
    const url = `${mirror}/v2/owner/linked/blobs/${digest}`
    const { headers } = await fetch(url, { redirect: 'manual' })
    return new URL(headers.get('location')!)
  }
  const before = blobCalls()
  expect((await ask(mirrors[0]!)).host).toBe(upstream.otherHost)
  for (const mirror of mirrors) {
    await expect
      .poll(async () => (await ask(mirror)).port, { timeout: 10_000 })
      .toBe(String(s3Port))
  }
  expect(blobCalls() - before).toBe(1)
})

test('without its bucket and its Redis a server still pulls', async () => {
  const own = buildImage({ seed: 73, layerBytes: 2 ** 20 })
  upstream.registry.push('owner/alone', 'latest', own)
  const mirror = await startMirror()
  await redis.kill()
  s3.closeAllConnections()
  s3.close()
  await once(s3, 'close')
  const url = `${mirror}/v2/owner/alone/blobs/${own.blobs[1]!.digest}`
  const manifest = await fetch(`${mirror}/v2/owner/alone/manifests/latest`)
  expect(manifest.status).toBe(200)
  await manifest.arrayBuffer()
  const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer())
  expect(digestOf(bytes)).toBe(own.blobs[1]!.digest)
})
