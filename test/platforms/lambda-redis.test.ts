import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { createFakeClock } from '../fakes/clock.ts'
import { readAnswer } from '../fakes/mirror.ts'
import { buildImage } from '../fakes/registry/index.ts'
import { createFakeUpstash } from '../fakes/upstash.ts'
import { startLambda } from './lambda/start-lambda.ts'
import { startLoopbackRegistry } from './loopback-registry.ts'

const token = 'redis-over-http'
const image = buildImage({ seed: 95 })

test('instances share tags and tokens by Redis over HTTP', async () => {
  const url = await startRedis()
  const upstream = await startLoopbackRegistry()
  onTestFinished(() => upstream.stop())
  upstream.registry.push('owner/name', 'latest', image)
  const endpoints = [{ url: upstream.url }]
  const trustedHosts = [upstream.otherHost]
  const document = JSON.stringify({
    upstreams: { 'registry.test': { endpoints, trustedHosts } },
    cache: { state: { driver: 'redis', url, token: '${REDIS_TOKEN}' } },
  })

  const mirror = await startLambda({ document, environment: { REDIS_TOKEN: token } })
  onTestFinished(() => mirror.stop())

  async function pull(): Promise<readonly string[]> {
    const path = '/v2/registry.test/owner/name/manifests/latest'
    const answer = await readAnswer(await fetch(mirror.url + path))
    expect(answer.headers.get('docker-content-digest')).toBe(image.root.digest)
    // It is taken when all that the last one left to do is done.
    expect((await fetch(`${mirror.url}/healthz`)).status).toBe(200)
    return upstream.registry.takeLines()
  }

  const first = await pull()
  expect(first.filter((line) => line.includes('/token'))).toHaveLength(1)
  await mirror.restart()
  // An instance keeps blobs in its memory alone: the manifest comes again, by its digest.
  const second = await pull()
  expect(second.filter((line) => line.includes(`/manifests/${image.root.digest}`))).toHaveLength(1)
  expect(second.filter((line) => line.includes('/token'))).toEqual([])
  expect(second.filter((line) => line.includes('/manifests/latest'))).toEqual([])
  expect(mirror.log()).not.toContain(token)
})

/** The fake on a socket. */
async function startRedis(): Promise<string> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const redis = createFakeUpstash({ clock: createFakeClock(), origin, token })
  server.on('request', (incoming, outgoing) => {
    const answer = async (): Promise<void> => {
      const { method = 'GET', url = '/', headers } = incoming
      const { authorization = '' } = headers
      const request = new Request(origin + url, {
        method,
        headers: { authorization, 'content-type': 'application/json' },
        body: await text(incoming),
      })
      const response = await redis.fetch(request, { network: 'any' })
      outgoing.writeHead(response.status).end(await response.text())
    }
    answer().catch(() => outgoing.destroy())
  })
  onTestFinished(async () => {
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  })
  return origin
}
