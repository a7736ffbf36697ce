import { afterAll, beforeAll, expect, test } from 'vitest'
import { startContainerd } from './containerd.ts'
import { startDocker } from './docker.ts'
import { download } from './http.ts'
import { startMirror, type Mirror } from './mirror.ts'
import { createPodman } from './podman.ts'
import { until } from './process.ts'
import { createSkopeo } from './skopeo.ts'
import type { Client } from './stored.ts'
import { makeImage } from './upstream/images.ts'
import { startUpstream, type Upstream } from './upstream/upstream.ts'

const big = makeImage('library/pullway-big:1.0', [200_000_000])
const name = 'docker.io/library/pullway-big:1.0'
const layer = big.blobs.at(-1)!
const plainClients = 14

let hub: Upstream
let mirror: Mirror
let clients: readonly Client[]

beforeAll(async () => {
  hub = await startUpstream()
  await hub.seed(big)
  mirror = await startMirror({ upstreams: { 'docker.io': hub.url } })
  const mirrors = { 'docker.io': mirror.host }
  clients = await Promise.all([
    startDocker({ registryMirrors: [mirror.url] }),
    createPodman(mirrors),
    startContainerd({ 'docker.io': mirror.url }),
    createSkopeo({ mirrors }),
    createSkopeo({ mirrors, transport: 'oci' }),
    createSkopeo({ mirrors }),
  ])
})

afterAll(async () => {
  await Promise.all(clients.map((client) => client.stop()))
  await mirror.stop()
  await hub.stop()
})

test('20 clients at once of a cold image of 200 MB cost one download', async () => {
  // The download stands still until all twenty are in it: whoever got bytes by then follows it.
  hub.cdn.hold(8_000_000)
  const pulls = Promise.allSettled(clients.map((client) => client.pull(name)))
  await hub.cdn.held(1)
  const blob = `${mirror.url}/v2/library/pullway-big/blobs/${layer.digest}`
  const downloads = Array.from({ length: plainClients }, () => download(blob))
  await Promise.all(downloads.map(({ started }) => started))
  await until('all clients follow the download', async () => {
    const metrics = await (await fetch(`${mirror.url}/metrics`)).text()
    const streams = /^pullway_active_blob_streams (\d+)/m.exec(metrics)?.[1]
    return Number(streams) >= plainClients + clients.length
  })
  hub.cdn.release()

  const { id, diffIds } = big.usual
  for (const pull of await pulls) expect.soft(pull).toMatchObject({ value: { id, diffIds } })
  for (const { digest } of downloads) expect.soft(await digest).toBe(layer.digest)

  const size = big.blobs.reduce((total, { bytes }) => total + bytes.byteLength, 0)
  const carried = hub.asked({ host: 'cdn' }).reduce((total, { bytes }) => total + bytes, 0)
  expect(carried / size).toBe(1)
  expect(hub.asked({ host: 'cdn' })).toHaveLength(big.blobs.length)
  expect(hub.asked({ host: 'cdn' }).filter(({ authorization }) => authorization)).toEqual([])
}, 120_000)

test('afterwards every client gets it from the cache, with the upstream switched off', async () => {
  await hub.off()
  const { id, diffIds } = big.usual
  for (const client of clients) {
    await client.forget()
    expect.soft(await client.pull(name)).toMatchObject({ id, diffIds })
  }
}, 120_000)
