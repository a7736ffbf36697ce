import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Digest } from '@pullway/core'
import { systemClock } from '@pullway/node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createS3BlobStore, type S3BlobStore } from '../../adapters/s3/src/index.ts'
import { type Folder, makeFolder } from '../clients/folder.ts'
import { accessKeyId, bucket, createS3Server, secretAccessKey } from '../contract/s3-server.ts'
import { readAnswer } from '../fakes/mirror.ts'
import { buildImage } from '../fakes/registry/index.ts'
import { startLambda, type LambdaFunction } from './lambda/start-lambda.ts'
import { startLoopbackRegistry, type LoopbackRegistry } from './loopback-registry.ts'

const small = buildImage({ seed: 91, layers: 1, layerBytes: 2_000_000 })
const large = buildImage({ seed: 92, layers: 1, layerBytes: 7_000_000 })
const root = '/v2/registry.test/owner/name'

let folder: Folder
let server: Server
let endpoint: string
let store: S3BlobStore
let upstream: LoopbackRegistry

beforeAll(async () => {
  folder = await makeFolder('s3')
  server = await createS3Server(folder.path)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  store = createS3BlobStore({
    endpoint,
    bucket,
    region: 'eu-central-1',
    accessKeyId,
    secretAccessKey,
    fetch: (request) => fetch(request),
    clock: systemClock,
  })
  upstream = await startLoopbackRegistry()
  upstream.registry.push('owner/name', 'small', small)
  upstream.registry.push('owner/name', 'large', large)
})

afterAll(async () => {
  await upstream.stop()
  server.close()
  server.closeAllConnections()
  await folder.remove()
})

test('what one instance has fetched, the next one has in the bucket', async () => {
  const { digest, bytes } = small.blobs[1]!
  await withFunction(async (ask) => {
    expect((await ask(`${root}/manifests/small`)).status).toBe(200)
    expect(Buffer.compare((await ask(`${root}/blobs/${digest}`)).bytes, bytes)).toBe(0)
    // An instance takes this when the last invocation is over, with all that it was to keep.
    expect((await ask('/healthz')).status).toBe(200)
  })
  expect(await store.stat(digest as Digest)).toEqual({ size: bytes.length })

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
  const write = await store.write(digest as Digest, bytes.length)
  await write.append([bytes])
  await write.commit()
  await write.release()
  await withFunction(async (ask) => {
    expect((await ask(`${root}/manifests/large`)).status).toBe(200)
    const answer = await ask(`${root}/blobs/${digest}`)
    expect(answer.status).toBe(307)
    const location = new URL(answer.headers.get('location')!)
    expect(location.origin).toBe(endpoint)
    expect(Buffer.compare((await readAnswer(await fetch(location))).bytes, bytes)).toBe(0)
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
      PULLWAY_S3_ENDPOINT: endpoint,
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
