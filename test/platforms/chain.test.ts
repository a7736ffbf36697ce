import { afterAll, beforeAll, expect, test } from 'vitest'
import { cloudflareTarget } from '../acceptance/targets/cloudflare.ts'
import { nodeTarget } from '../acceptance/targets/node.ts'
import type { Running } from '../acceptance/target.ts'
import { createSkopeo } from '../clients/skopeo.ts'
import { makeImage, makeMultiImage } from '../clients/upstream/images.ts'
import { openDoor, type Door } from '../clients/upstream/front.ts'
import { startUpstream, type Upstream } from '../clients/upstream/upstream.ts'

/** The well-known combination: a server in front, a Worker as its second endpoint, and Docker Hub that limits. */

const arm = { os: 'linux', architecture: 'arm64' }
const multi = makeMultiImage('library/chain:1.0', [arm], [300_000, 20_000])
const later = makeImage('library/chain-later:1.0', [2_000_000])

let hub: Upstream
let limited: Door
let worker: Running
let mirror: Running
/** What the limiting endpoint was asked. */
const asked: string[] = []

beforeAll(async () => {
  hub = await startUpstream()
  await hub.seed(multi, later)
  limited = await openDoor((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    response.writeHead(429, { 'content-type': 'application/json', 'retry-after': '600' })
    response.end('{"errors":[{"code":"TOOMANYREQUESTS","message":"pull rate limit"}]}')
  })
  const trustedHosts = ['127.0.0.1']
  worker = await cloudflareTarget.start({
    upstreams: { 'docker.io': { endpoints: [{ url: hub.url }], trustedHosts } },
  })
  mirror = await nodeTarget.start({
    upstreams: {
      'docker.io': { endpoints: [{ url: limited.url }, { url: worker.url }], trustedHosts },
    },
  })
})

afterAll(async () => {
  await mirror.stop()
  await worker.stop()
  await limited.off()
  await hub.stop()
})

test('skopeo pulls through both, and what limits is asked once', async () => {
  const skopeo = await createSkopeo({ all: true })
  try {
    const host = new URL(mirror.url).host
    for (const image of [multi, later]) {
      const { id, diffIds } = image.usual
      const stored = await skopeo.pull(`${host}/${image.repository}:${image.tag}`)
      expect(stored).toMatchObject({ id, diffIds })
      expect(stored.digests).toContain(image.digest)
    }
  } finally {
    await skopeo.stop()
  }
  expect(asked).toEqual(['GET /v2/library/chain/manifests/1.0'])
  const metrics = await (await fetch(`${mirror.url}/metrics`)).text()
  expect(metrics).toContain(
    'pullway_failovers_total{upstream="docker.io",reason="rate-limited"} 1\n',
  )
  const up = (url: string, value: number): string =>
    `pullway_upstream_endpoint_up{upstream="docker.io",endpoint="${new URL(url).host}"} ${value}\n`
  expect(metrics).toContain(up(limited.url, 0))
  expect(metrics).toContain(up(worker.url, 1))
})

test('what has come by the chain stays when both ends are gone', async () => {
  await Promise.all([hub.off(), limited.off()])
  await worker.stop()
  const skopeo = await createSkopeo({ all: true })
  try {
    const host = new URL(mirror.url).host
    const stored = await skopeo.pull(`${host}/${multi.repository}:${multi.tag}`)
    expect(stored.digests).toContain(multi.digest)
  } finally {
    await skopeo.stop()
  }
})
