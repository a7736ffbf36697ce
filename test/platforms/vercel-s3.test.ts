import type { Digest } from '@pullway/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../clients/process.ts'
import { accessKeyId, bucket, secretAccessKey } from '../contract/s3-server.ts'
import { nameOf } from '../contract/s3-support.ts'
import { readAnswer } from '../fakes/mirror.ts'
import { buildImage } from '../fakes/registry/index.ts'
import { type Bucket, startBucket } from './bucket.ts'
import { startLoopbackRegistry, type LoopbackRegistry } from './loopback-registry.ts'
import { startVercelFunction, type VercelFunction } from './vercel.ts'

const runtimes = ['node', 'edge'] as const
const root = '/v2/registry.test/owner/name'
const layerBytes = 12_000_000
const isBlob = (line: string): boolean => line.startsWith('GET ') && line.includes('/blobs/')

describe.each(runtimes)('the function on the %s runtime, with a bucket', (runtime) => {
  const seed = runtime === 'node' ? 200 : 210
  const streamed = buildImage({ seed, layers: 1, layerBytes })
  const linked = buildImage({ seed: seed + 1, layers: 1, layerBytes })
  const spoilt = buildImage({ seed: seed + 2, layers: 1, layerBytes: 60_000 })
  const refused = buildImage({ seed: seed + 3, layers: 1, layerBytes })
  const requests: string[] = []
  let takesStreams = true
  let upstream: LoopbackRegistry
  let s3: Bucket
  let mirror: VercelFunction

  beforeAll(async () => {
    s3 = await startBucket({
      intercept(request, response) {
        const name = nameOf(request)
        requests.push(name)
        // As S3 does where a runtime sends a stream without its length.
        if (takesStreams || name !== 'PUT' || request.headers['content-length'] === undefined)
          return false
        if (Number(request.headers['content-length']) < layerBytes) return false
        request.resume()
        response.writeHead(411, { connection: 'close' }).end()
        return true
      },
    })
    upstream = await startLoopbackRegistry()
    for (const [tag, image] of Object.entries({ streamed, linked, spoilt, refused }))
      upstream.registry.push('owner/name', tag, image)
    const endpoints = [{ url: upstream.url }]
    const common = { endpoints, trustedHosts: [upstream.otherHost] }
    const upstreams = {
      'registry.test': common,
      'linked.test': { ...common, blobs: 'redirect' },
    }
    mirror = await startVercelFunction(runtime, JSON.stringify({ upstreams }), {
      PULLWAY_S3_ENDPOINT: s3.endpoint,
      PULLWAY_S3_BUCKET: bucket,
      PULLWAY_S3_REGION: 'eu-central-1',
      PULLWAY_S3_ACCESS_KEY_ID: accessKeyId,
      PULLWAY_S3_SECRET_ACCESS_KEY: secretAccessKey,
    })
  })

  afterAll(async () => {
    await mirror.stop()
    await upstream.stop()
    await s3.stop()
  })

  async function get(path: string) {
    return readAnswer(await fetch(mirror.url + path, { redirect: 'manual' }))
  }

  const isKept = async (digest: string): Promise<boolean> =>
    (await s3.store.stat(digest as Digest)) !== undefined

  test('a pull fills the bucket, and a new instance streams from it', async () => {
    const { digest, bytes } = streamed.blobs[1]!
    await get(`${root}/manifests/streamed`)
    requests.length = 0
    const first = await get(`${root}/blobs/${digest}`)
    expect(Buffer.compare(first.bytes, bytes)).toBe(0)
    await until('it is in the bucket', () => isKept(digest))
    // Edge passes it on as it comes, and S3 checks it; Node checks it and sends it in parts.
    const writes = requests.filter((name) => name !== 'HEAD' && name !== 'GET')
    const parts = ['create', 'part 1', 'part 2', 'complete']
    expect(writes).toEqual(runtime === 'edge' ? ['PUT'] : parts)
    await mirror.restart()
    await get(`${root}/manifests/streamed`)
    upstream.registry.takeLines()
    const next = await get(`${root}/blobs/${digest}`)
    expect(Buffer.compare(next.bytes, bytes)).toBe(0)
    expect(next.headers.get('content-length')).toBe(String(bytes.length))
    expect(upstream.registry.takeLines().filter(isBlob)).toEqual([])
  })

  test('the first link is the upstream’s, and later ones are presigned', async () => {
    const { digest, bytes } = linked.blobs[1]!
    const path = `/v2/linked.test/owner/name`
    await get(`${path}/manifests/linked`)
    const first = await get(`${path}/blobs/${digest}`)
    expect(first.status).toBe(307)
    expect(new URL(first.headers.get('location')!).host).toBe(upstream.otherHost)
    await until('it is in the bucket', () => isKept(digest))
    upstream.registry.takeLines()
    const next = await get(`${path}/blobs/${digest}`)
    const location = new URL(next.headers.get('location')!)
    expect([next.status, location.origin]).toEqual([307, s3.endpoint])
    expect(location.searchParams.get('X-Amz-Expires')).toBe('1200')
    expect(Buffer.compare((await readAnswer(await fetch(location))).bytes, bytes)).toBe(0)
    expect(upstream.registry.takeLines().filter(isBlob)).toEqual([])
  })

  test('wrong bytes never become visible', async () => {
    const { digest, bytes } = spoilt.blobs[1]!
    await get(`${root}/manifests/spoilt`)
    const fault = upstream.registry.fail({ kind: 'blob-host' }, { kind: 'wrong-bytes' })
    await get(`${root}/blobs/${digest}`)
    const told = runtime === 'edge' ? 'a blob was not stored' : 'a download into the cache failed'
    await until('the refusal is in the log', () => mirror.log().includes(told))
    expect(await isKept(digest)).toBe(false)
    fault.lift()
    expect(Buffer.compare((await get(`${root}/blobs/${digest}`)).bytes, bytes)).toBe(0)
    await until('it is in the bucket', () => isKept(digest))
  })

  if (runtime === 'edge') {
    test('where S3 takes no stream, the blob is hashed and written in parts', async () => {
      takesStreams = false
      requests.length = 0
      const { digest, bytes } = refused.blobs[1]!
      await get(`${root}/manifests/refused`)
      expect(Buffer.compare((await get(`${root}/blobs/${digest}`)).bytes, bytes)).toBe(0)
      await until('it is in the bucket', () => isKept(digest))
      const parts = ['create', 'part 1', 'part 2', 'complete']
      expect(requests.filter((name) => parts.includes(name))).toEqual(parts)
      expect((await s3.store.stat(digest as Digest))?.size).toBe(bytes.length)
    })
  }
})
