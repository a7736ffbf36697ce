import type { Fetch } from '@pullway/core'
import { expect, test } from 'vitest'
import * as edge from '../../adapters/vercel/src/edge.ts'
import { createFetch } from '../../adapters/vercel/src/fetch.ts'
import type { Handler } from '@pullway/vercel/edge'
import * as node from '../../adapters/vercel/src/node.ts'
import { listen } from '../contract/peer.ts'
import { accessKeyId, bucket, createS3Server, secretAccessKey } from '../contract/s3-server.ts'
import { makeFolder } from '../contract/temporary-folder.ts'
import { createFakeClock } from '../fakes/clock.ts'
import { readAnswer, type Answered } from '../fakes/mirror.ts'
import { buildImage, createFakeRegistry, type FakeRegistry } from '../fakes/registry/index.ts'
import { createFakeUpstash, type FakeUpstash } from '../fakes/upstash.ts'
import { createFakeConsole } from './console.ts'

const image = buildImage({ seed: 81, layerBytes: 100_000 })
const layer = image.blobs[1]!
const root = '/v2/registry.test/owner/name'
const redis = { origin: 'https://redis.test', token: 'redis-token' }

interface Cloud {
  readonly registry: FakeRegistry
  readonly upstash: FakeUpstash
  readonly bucketOrigin: string
  /** One more instance of the function. */
  readonly start: (
    runtime: 'node' | 'edge',
    document: string,
    environment?: Readonly<Record<string, string>>,
  ) => (path: string) => Promise<Answered>
}

async function makeCloud(): Promise<Cloud> {
  const registry = createFakeRegistry()
  registry.push('owner/name', 'latest', image)
  const upstash = createFakeUpstash({ clock: createFakeClock(), ...redis })
  const s3 = await listen(await createS3Server(await makeFolder()))
  const platformFetch = createFetch((request, init) => fetch(request, init))
  const routed: Fetch = (request, options) => {
    const { origin, host } = new URL(request.url)
    if (origin === redis.origin) return upstash.fetch(request, options)
    return registry.plays(host) ? registry.fetch(request, options) : platformFetch(request, options)
  }
  const usual = {
    PULLWAY_S3_ENDPOINT: s3.origin,
    PULLWAY_S3_BUCKET: bucket,
    PULLWAY_S3_REGION: 'us-east-1',
    PULLWAY_S3_ACCESS_KEY_ID: accessKeyId,
    PULLWAY_S3_SECRET_ACCESS_KEY: secretAccessKey,
    UPSTASH_REDIS_REST_URL: redis.origin,
    UPSTASH_REDIS_REST_TOKEN: redis.token,
  }
  const console = createFakeConsole()
  return {
    registry,
    upstash,
    bucketOrigin: s3.origin,
    start(runtime, document, environment = usual) {
      const { createHandler } = { node, edge }[runtime]
      const handler: Handler = createHandler(environment, { document, fetch: routed, console })
      return async (path) => {
        const works: Promise<unknown>[] = []
        const waitUntil = (work: Promise<unknown>): void => void works.push(work)
        const response = await handler(new Request(`https://mirror.test${path}`), { waitUntil })
        const answer = await readAnswer(response)
        await Promise.all(works)
        return answer
      }
    },
  }
}

const streaming = 'upstreams: { registry.test: {} }'

test.each([
  ['node', 'node'],
  ['node', 'edge'],
  ['edge', 'node'],
  ['edge', 'edge'],
] as const)(
  'what one instance on %s has fetched, the next one on %s has from the services',
  async (filling, runtime) => {
    const { registry, upstash, start } = await makeCloud()
    const first = start(filling, streaming)
    await first(`${root}/manifests/latest`)
    await first(`${root}/blobs/${layer.digest}`)
    expect(registry.takeLines()).toContain('GET auth.registry.test/token')
    expect(upstash.commands.map(([name]) => name)).toContain('SET')

    const next = start(runtime, streaming)
    const manifest = await next(`${root}/manifests/latest`)
    expect(manifest.bytes).toEqual(image.root.bytes)
    const blob = await next(`${root}/blobs/${layer.digest}`)
    expect([blob.status, blob.broken]).toEqual([200, undefined])
    expect(blob.bytes).toEqual(layer.bytes)
    expect(registry.takeLines()).toEqual([])
  },
)

test.each(['node', 'edge'] as const)(
  'the services may stand in the configuration as well: %s',
  async (runtime) => {
    const { registry, upstash, bucketOrigin, start } = await makeCloud()
    const document = JSON.stringify({
      upstreams: { 'registry.test': {} },
      cache: {
        blobs: {
          driver: 's3',
          endpoint: bucketOrigin,
          bucket,
          accessKeyId,
          secretAccessKey: '${BUCKET_SECRET}',
        },
        state: { driver: 'redis', url: redis.origin, token: '${REDIS_TOKEN}' },
      },
    })
    const environment = { BUCKET_SECRET: secretAccessKey, REDIS_TOKEN: redis.token }
    for (const asked of ['first', 'next']) {
      const mirror = start(runtime, document, environment)
      expect((await mirror(`${root}/manifests/latest`)).bytes).toEqual(image.root.bytes)
      expect((await mirror(`${root}/blobs/${layer.digest}`)).bytes).toEqual(layer.bytes)
      expect([asked, registry.takeLines().length > 0]).toEqual([asked, asked === 'first'])
    }
    expect(upstash.commands.map(([name]) => name)).toContain('SET')
  },
)

test('a Redis that does not speak HTTP is a 500 that says nothing of it', async () => {
  const { start } = await makeCloud()
  const document = 'cache: { state: { driver: redis, url: "redis://redis.test" } }'
  const answer = await start('edge', document, {})('/v2/')
  expect(answer.status).toBe(500)
  expect(answer.text).not.toContain('redis.test')
})

test('a stored layer goes out by a presigned link where the configuration says so', async () => {
  const { start } = await makeCloud()
  const path = `${root}/blobs/${layer.digest}`
  await start('node', streaming)(path)
  const redirecting = start('node', 'upstreams: { registry.test: { blobs: redirect } }')
  const answer = await redirecting(path)
  expect(answer.status).toBe(307)
  const linked = await fetch(answer.headers.get('location')!)
  expect(Buffer.compare(await linked.bytes(), layer.bytes)).toBe(0)
})

test('without its Redis the mirror goes on', async () => {
  const { upstash, start } = await makeCloud()
  upstash.answerWith(() => Promise.reject(new Error('as scripted')))
  const answer = await start('node', streaming)(`${root}/manifests/latest`)
  expect(answer.bytes).toEqual(image.root.bytes)
})
