import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { download } from '../clients/http.ts'
import { createPodman } from '../clients/podman.ts'
import { until } from '../clients/process.ts'
import { createSkopeo } from '../clients/skopeo.ts'
import type { Client } from '../clients/stored.ts'
import { makeImage, type Image } from '../clients/upstream/images.ts'
import { startUpstream, type Upstream } from '../clients/upstream/upstream.ts'
import { platforms, type Mirror } from './platforms.ts'
import { startRedisOverHttp, type RedisOverHttp } from './redis-over-http.ts'
import { type RedisServer, startRedis } from './redis.ts'
import { type S3Service, startS3Service } from './s3.ts'

const MB = 1_000_000
/** A function with small answers streams some of it. */
const big = makeImage('library/pullway-big:1.0', [40 * MB, 5 * MB, 5 * MB])
const one = makeImage('library/pullway-one:1.0', [20 * MB])
const small = makeImage('library/pullway-small:1.0', [5 * MB])

let hub: Upstream
let redis: RedisServer
let redisOverHttp: RedisOverHttp

beforeAll(async () => {
  hub = await startUpstream()
  await hub.seed(big, one, small)
  redis = await startRedis()
  redisOverHttp = await startRedisOverHttp(redis)
})

afterAll(async () => {
  await redisOverHttp.stop()
  await Promise.all([redis.remove(), hub.stop()])
})

const clients: Readonly<Record<string, () => Promise<Client>>> = {
  skopeo: () => createSkopeo(),
  podman: () => createPodman(),
}

describe.each(platforms)('$name', { timeout: 120_000 }, (platform) => {
  const { streams } = platform
  const isFirst = platform === platforms[0]
  let s3: S3Service
  let mirror: Mirror

  beforeAll(async () => {
    s3 = await startS3Service()
    const services = { registry: hub.url, s3: s3.endpoint, redis: redis.url, redisOverHttp }
    mirror = await platform.start(services)
  })

  afterAll(async () => {
    await mirror.stop()
    await s3.remove()
  })

  afterEach(async () => {
    hub.cdn.release()
    await s3.calm()
    // What still goes into the bucket ends first, and nothing is left in memory.
    await mirror.restart()
    await s3.empty()
    await redis.command('FLUSHALL')
  })

  const isStreamed = (bytes: number): boolean => bytes <= streams
  /** One large layer, streamed; it goes to S3 in parts where that is possible. */
  const single = isStreamed(20 * MB) ? one : small
  const upload = single === one ? 'part 2' : 'PUT'
  const layer = single.blobs[1]!
  /** Where the CDN stops: in the middle of what is streamed. */
  const [middle, later] = isStreamed(40 * MB) ? [16 * MB, 28 * MB] : [2 * MB, 4 * MB]

  async function expectPulled(client: Client, image: Image): Promise<void> {
    const { id, diffIds } = image.usual
    const stored = await client.pull(`${new URL(mirror.url).host}/${image.repository}:${image.tag}`)
    expect(stored).toMatchObject({ id, diffIds })
    expect(stored.digests).toContain(image.digest)
  }

  async function create(name: string): Promise<Client> {
    const client = await clients[name]!()
    onTestFinished(() => client.stop())
    return client
  }

  /** What comes out of the bucket once it is in; the mirror's memory has what is smaller. */
  const keptOf = (image: Image): readonly string[] =>
    image.blobs
      .filter(({ bytes }) => bytes.length > MB && isStreamed(bytes.length))
      .map(({ digest }) => digest)

  async function expectKept(image: Image): Promise<void> {
    await until(`${image.repository} is in the bucket`, async () => {
      const found = await Promise.all(keptOf(image).map((digest) => s3.has(digest)))
      return !found.includes(false)
    })
    await s3.digests()
  }

  function askedOfCdn(image: Image): readonly string[] {
    const paths = hub.asked({ host: 'cdn', method: 'GET' }).map(({ path }) => path)
    return keptOf(image).filter((digest) => paths.some((path) => path.includes(digest.slice(7))))
  }

  async function getLayer(): Promise<ReturnType<typeof download>> {
    const root = `${mirror.url}/v2/${single.repository}`
    const manifest = await fetch(`${root}/manifests/${single.tag}`)
    expect(manifest.status).toBe(200)
    await manifest.arrayBuffer()
    return download(`${root}/blobs/${layer.digest}`)
  }

  /** A pull that fills the bucket, and one that is served from there. */
  async function expectCacheWorks(image: Image, client: Client): Promise<void> {
    await expectPulled(client, image)
    await expectKept(image)
    hub.forget()
    await expectPulled(client, image)
    expect(askedOfCdn(image)).toEqual([])
    // Also of what a function stores behind a link.
    await until('no upload is left', async () => (await s3.uploads()).length === 0)
  }

  test.each([
    { what: 'S3', tool: 'skopeo', has: ['s3'] },
    // Redis alone is for one platform: the suite's time is bounded.
    ...(isFirst ? [{ what: 'Redis', tool: 'podman', has: ['redis'] }] : []),
    { what: 'S3 and Redis', tool: 'podman', has: ['s3', 'redis'] },
  ])(
    '$what killed in mid-blob and started again: $tool pulls all the same',
    async ({ tool, has }) => {
      const killed = [s3, redis].filter((_, index) => has.includes(['s3', 'redis'][index]!))
      const client = await create(tool)
      hub.cdn.hold(middle)
      const pulling = expectPulled(client, big)
      pulling.catch(() => undefined)
      await hub.cdn.held(1)
      await Promise.all(killed.map((service) => service.kill()))
      await s3.digests()

      hub.cdn.release()
      hub.cdn.hold(later)
      await hub.cdn.held(1)
      await Promise.all(killed.map((service) => service.start()))
      await s3.digests()

      hub.cdn.release()
      await pulling
      await s3.digests()
      await client.forget()
      if (has.length > 1) await expectCacheWorks(big, client)
    },
  )

  test('S3 killed in mid-upload: the pull ends well, and nothing of it is visible', async () => {
    const arrived = s3.trouble(upload, layer.digest, 'hang')
    const { digest } = await getLayer()
    await arrived
    await s3.kill()
    expect(await s3.digests()).not.toContain(layer.digest)
    expect(await digest).toBe(layer.digest)
    expect(await s3.digests()).not.toContain(layer.digest)

    await s3.start()
    await until('the mirror reads from S3 again', async () => {
      expect(await (await getLayer()).digest).toBe(layer.digest)
      return s3.has(layer.digest)
    })
    await expectCacheWorks(single, await create('skopeo'))
  })

  test.each([500, 503, 'hang'] as const)('S3 that answers %s in mid-upload', async (trouble) => {
    const arrived = s3.trouble(upload, layer.digest, trouble)
    const { digest } = await getLayer()
    await arrived
    expect(await digest).toBe(layer.digest)
    expect(await s3.digests()).not.toContain(layer.digest)
    await s3.calm()
    await until('it is kept', async () => {
      expect(await (await getLayer()).digest).toBe(layer.digest)
      return s3.has(layer.digest)
    })
    await expectCacheWorks(single, await create('skopeo'))
  })

  test.each([
    { what: 'S3', pause: () => s3.pause(), goOn: () => s3.goOn() },
    { what: 'Redis', pause: () => redis.pause(), goOn: () => redis.goOn() },
  ])('$what that hangs from the beginning', async ({ pause, goOn }) => {
    const client = await create('skopeo')
    pause()
    // Before what comes after each test.
    await expectPulled(client, single).finally(goOn)
  })

  test('S3 killed while it is read: the answer goes on from upstream', async () => {
    expect(await (await getLayer()).digest).toBe(layer.digest)
    await expectKept(single)
    hub.forget()
    s3.gate.hold(layer.bytes.length / 3)
    const { digest } = await getLayer()
    await s3.gate.held(1)
    expect(askedOfCdn(single)).toEqual([])
    await s3.kill()
    s3.gate.release()
    expect(await digest).toBe(layer.digest)
    expect(askedOfCdn(single)).toEqual([layer.digest])

    await s3.start()
    await until('the mirror reads from S3 again', async () => {
      hub.forget()
      expect(await (await getLayer()).digest).toBe(layer.digest)
      return askedOfCdn(single).length === 0
    })
    await expectCacheWorks(single, await create('skopeo'))
  })

  test('Redis that starts empty between two pulls: no blob is fetched again', async () => {
    const client = await create('podman')
    await expectPulled(client, single)
    await expectKept(single)
    await client.forget()
    await redis.kill()
    await redis.start()
    // Nor does the mirror remember.
    await mirror.restart()
    hub.forget()
    await expectPulled(client, single)
    expect(askedOfCdn(single)).toEqual([])
    expect(hub.asked({ kind: 'manifest' }).length).toBeGreaterThan(0)
  })
})
