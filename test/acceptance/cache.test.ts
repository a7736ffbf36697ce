import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { download } from '../clients/http.ts'
import { makeImage, makeMultiImage } from '../clients/upstream/images.ts'
import { accept, expectContent, expectError } from './expect.ts'
import { onlyWith } from './only-with.ts'
import { pullAll, topOf } from './pull.ts'
import { startWorld, type World } from './world.ts'

const arm = { os: 'linux', architecture: 'arm64' }
const image = makeMultiImage('library/pullway-kept:1.0', [arm], [400_000, 20_000])
const never = makeImage('library/pullway-never:1.0', [1000])
const herd = makeImage('library/pullway-herd:1.0', [8_000_000])
const clients = 20

let world: World

beforeAll(async () => {
  world = await startWorld(image, never, herd)
})

beforeEach(() => world.reset())

afterAll(() => world.stop())

onlyWith('shares-downloads', `${clients} clients at once cost one download`, async () => {
  const layer = herd.blobs.at(-1)!
  const { hub, mirror } = world
  // The download stands still until all are in it: whoever got bytes by then follows it.
  hub.cdn.hold(2_000_000)
  const url = `${mirror.url}/v2/library/pullway-herd/blobs/${layer.digest}`
  const downloads = Array.from({ length: clients }, () => download(url))
  await Promise.all(downloads.map(({ started }) => started))
  hub.cdn.release()
  for (const { digest } of downloads) expect.soft(await digest).toBe(layer.digest)
  const atCdn = hub.asked({ host: 'cdn' })
  expect(atCdn).toHaveLength(1)
  expect(atCdn[0]!.bytes / layer.bytes.byteLength).toBe(1)
})

test('the whole image comes cold', () => pullAll(world, image))

onlyWith('keeps-blobs', 'a warm pull asks the upstream for no blob', async () => {
  await pullAll(world, image)
  world.hub.forget()
  await pullAll(world, image)
  expect(world.hub.asked({ kind: 'blob' })).toEqual([])
  expect(world.hub.asked({ host: 'cdn' })).toEqual([])
  expect(world.hub.asked({ kind: 'manifest', method: 'GET' })).toEqual([])
})

describe('with the upstream switched off', () => {
  const path = '/v2/library/pullway-kept/manifests/1.0'

  onlyWith(
    'keeps-blobs',
    'what is here is served, with a warning that the tag is old',
    async () => {
      await pullAll(world, image)
      await world.off()
      await pullAll(world, image)
      const answer = await world.ask(path, { headers: { accept } })
      expectContent(answer, topOf(image))
      expect(answer.headers['warning']).toMatch(/^299 - ".+"$/)
      expect(answer.headers['cache-status']).toMatch(/detail=stale-/)
    },
  )

  onlyWith('survives-restart', 'it is served after a restart as well', async () => {
    await pullAll(world, image)
    await world.off()
    await world.mirror.restart()
    await pullAll(world, image)
  })

  test('what is not here is an error that says so, and the mirror is well', async () => {
    await world.off()
    const cold = '/v2/library/pullway-never/manifests/1.0'
    const answer = await world.ask(cold, { headers: { accept } })
    expectError(answer, { status: 503, code: 'UNAVAILABLE' })
    const blob = await world.ask(`/v2/library/pullway-never/blobs/${never.usual.id}`)
    expectError(blob, { status: 503, code: 'UNAVAILABLE' })
    for (const page of ['/v2/', '/healthz', '/'])
      expect((await world.ask(page)).status, page).toBe(200)
  })

  test('and on again, what was not here comes', () => pullAll(world, never))
})
