import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest'
import { startDocker, type Docker } from './docker.ts'
import { makeFolder } from './folder.ts'
import { download } from './http.ts'
import { startMirror, type Mirror } from './mirror.ts'
import { isListening } from './port.ts'
import { until } from './process.ts'
import { createSkopeo } from './skopeo.ts'
import { makeImage } from './upstream/images.ts'
import { startUpstream, type Upstream } from './upstream/upstream.ts'

const big = makeImage('library/pullway-big:1.0', [60_000_000, 1000])
const bigLayer = big.blobs[1]!
const elsewhere = makeImage('library/pullway-elsewhere:1.0', [300_000])
const held = 20_000_000

let hub: Upstream
/** What dockerd falls back to, in the place of Docker Hub itself. */
let other: Upstream

beforeAll(async () => {
  ;[hub, other] = await Promise.all([startUpstream(), startUpstream()])
  await hub.seed(big)
  await other.seed(big, elsewhere)
})

afterEach(async () => {
  hub.cdn.release()
  await hub.on()
  hub.forget()
})

afterAll(async () => {
  await Promise.all([hub.stop(), other.stop()])
})

test('dockerd falls back at once from an image that the mirror does not find', async () => {
  const docker = await startDockerBehind(await start())
  const { code, seconds, stderr } = await docker.tryPull('pullway-elsewhere:1.0')
  expect(code, stderr).toBe(0)
  expect(hub.asked({ kind: 'manifest' }).map(({ status }) => status)).not.toEqual([])
  expect(seconds).toBeLessThan(10)
})

test('dockerd falls back within seconds when the upstream is dead', async () => {
  const docker = await startDockerBehind(await start())
  await hub.off()
  const { code, seconds, stderr } = await docker.tryPull('pullway-big:1.0')
  expect(code, stderr).toBe(0)
  expect(seconds).toBeLessThan(20)
})

test('dockerd falls back within seconds when the upstream gives no layers', async () => {
  const mirror = await start()
  const docker = await startDockerBehind(mirror)
  // With the config in the cache: dockerd gives up on a config within 4 s, on a layer after 75 s.
  const config = download(`${mirror.url}/v2/library/pullway-big/blobs/${big.usual.id}`)
  expect(await config.digest).toBe(big.usual.id)
  await hub.off('cdn')
  const { code, seconds, stderr } = await docker.tryPull('pullway-big:1.0')
  expect(code, stderr).toBe(0)
  expect(hub.asked({ kind: 'manifest' }).map(({ status }) => status)).toContain(200)
  expect(hub.asked({ kind: 'blob' }).map(({ status }) => status)).toContain(307)
  expect(seconds).toBeLessThan(20)
})

test('dockerd falls back within seconds when only the manifest was cached', async () => {
  const mirror = await start()
  const docker = await startDockerBehind(mirror)
  const manifest = `${mirror.url}/v2/library/pullway-big/manifests/`
  for (const reference of ['1.0', big.digest]) {
    const answer = await fetch(manifest + reference, { headers: { accept: '*/*' } })
    expect(await answer.text()).toBe(big.manifests[0]!.bytes.toString())
  }
  await hub.off()
  const { code, seconds, stderr } = await docker.tryPull('pullway-big:1.0')
  expect(code, stderr).toBe(0)
  expect(seconds).toBeLessThan(20)
})

test('a mirror killed in mid-download and started again gives the right bytes', async () => {
  const cache = await makeFolder('cache')
  onTestFinished(() => cache.remove())
  const first = await start(cache.path)
  hub.cdn.hold(held)
  const skopeo = await startSkopeo()
  const broken = skopeo.tryPull(`${first.host}/pullway-big:1.0`)
  await hub.cdn.held(1)
  first.signal('SIGKILL')
  await first.exited
  hub.cdn.release()
  expect((await broken).code).not.toBe(0)

  const second = await start(cache.path)
  const { id, digests } = await skopeo.pull(`${second.host}/pullway-big:1.0`)
  expect({ id, digests }).toEqual({ id: big.usual.id, digests: [big.digest] })
  const size = big.blobs.reduce((total, { bytes }) => total + bytes.byteLength, 0)
  expect(await measureFolder(cache.path)).toBeLessThan(size * 1.1)
  await hub.off()
  expect((await skopeo.pull(`${second.host}/pullway-big@${big.digest}`)).id).toBe(big.usual.id)
})

test('SIGTERM in mid-download: the pull is finished, then the mirror ends', async () => {
  const mirror = await start()
  hub.cdn.hold(held)
  const { started, digest } = download(
    `${mirror.url}/v2/library/pullway-big/blobs/${bigLayer.digest}`,
  )
  await started
  await hub.cdn.held(1)
  mirror.signal('SIGTERM')
  const { port } = new URL(mirror.url)
  await until('no new connection is taken', async () => !(await isListening(Number(port))))
  hub.cdn.release()
  expect(await digest).toBe(bigLayer.digest)
  expect(await mirror.exited).toBe(0)
})

test('two mirrors on one cache folder fill and serve the same image', async () => {
  const cache = await makeFolder('cache')
  onTestFinished(() => cache.remove())
  const mirrors = await Promise.all([start(cache.path), start(cache.path)])
  const clients = await Promise.all([startSkopeo(), startSkopeo()])
  hub.cdn.hold(held)
  const pulls = Promise.allSettled(
    mirrors.map(({ host }, index) => clients[index]!.pull(`${host}/pullway-big:1.0`)),
  )
  await hub.cdn.held(2)
  hub.cdn.release()
  const { id } = big.usual
  for (const pull of await pulls) expect.soft(pull).toMatchObject({ value: { id } })

  await hub.off()
  for (const [index, { host }] of mirrors.entries())
    expect((await clients[index]!.pull(`${host}/pullway-big:1.0`)).id).toBe(id)
})

async function start(cache?: string): Promise<Mirror> {
  const upstreams = { 'docker.io': hub.url }
  const mirror = await startMirror(cache === undefined ? { upstreams } : { upstreams, cache })
  onTestFinished(() => mirror.stop())
  return mirror
}

async function startDockerBehind(mirror: Mirror): Promise<Docker> {
  const docker = await startDocker({ registryMirrors: [mirror.url, other.url] })
  onTestFinished(() => docker.stop())
  return docker
}

async function startSkopeo(): ReturnType<typeof createSkopeo> {
  const skopeo = await createSkopeo()
  onTestFinished(() => skopeo.stop())
  return skopeo
}

async function measureFolder(path: string): Promise<number> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const sizes = await Promise.all(
    files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size),
  )
  return sizes.reduce((total, size) => total + size, 0)
}
