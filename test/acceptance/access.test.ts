import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { until } from '../clients/process.ts'
import { makeImage } from '../clients/upstream/images.ts'
import { reader } from '../clients/upstream/upstream.ts'
import { accept, expectContent, expectError } from './expect.ts'
import { pullAll, topOf } from './pull.ts'
import { readersRegistry, startWorld, type World } from './world.ts'

const secret = makeImage('private/pullway-secret:1.0', [50_000])
const open = makeImage('owner/pullway-open:1.0', [50_000])
const [config] = secret.blobs

let world: World

beforeAll(async () => {
  world = await startWorld(secret, open)
})

beforeEach(() => world.reset())

afterAll(() => world.stop())

async function expectRefused(): Promise<void> {
  const manifest = await world.ask('/v2/private/pullway-secret/manifests/1.0', {
    headers: { accept },
  })
  expect(expectError(manifest, { status: 403, code: 'DENIED' })).toContain('docker.io')
  const blob = await world.ask(`/v2/private/pullway-secret/blobs/${config!.digest}`)
  expectError(blob, { status: 403, code: 'DENIED' })
}

test("a private image is pulled with the operator's account, and only where it is configured", async () => {
  await expectRefused()
  expect(world.hub.asked({ host: 'token' }).filter((one) => one.authorization)).toEqual([])
  await pullAll(world, { ...secret, repository: `${readersRegistry}/${secret.repository}` })
  await expectRefused()
})

test('no Authorization reaches the CDN, and Pullway gives its name on every hop', async () => {
  await pullAll(world, { ...open, repository: `${readersRegistry}/${open.repository}` })
  const asked = world.hub.asked()
  expect(new Set(asked.map(({ host }) => host))).toEqual(new Set(['registry', 'token', 'cdn']))
  const atCdn = asked.filter(({ host }) => host === 'cdn')
  expect(atCdn.filter(({ authorization }) => authorization)).toEqual([])
  const fromMirror = asked.filter(({ host }) => host !== 'cdn')
  expect(fromMirror.filter(({ userAgent }) => !/^pullway\//i.test(userAgent ?? ''))).toEqual([])
})

test("a client's own login is neither forwarded nor logged", async () => {
  const password = 'hub-password-of-somebody'
  const basic = Buffer.from(`somebody:${password}`).toString('base64')
  const headers = { accept, authorization: `Basic ${basic}` }
  const answer = await world.ask('/v2/owner/pullway-open/manifests/1.0', { headers })
  expectContent(answer, topOf(open))
  const [layer] = open.blobs
  expectContent(
    await world.ask(`/v2/owner/pullway-open/blobs/${layer!.digest}`, { headers }),
    layer!,
  )
  const asked = [...world.hub.asked(), ...world.stage.asked()]
  expect(asked.filter(({ authorization }) => authorization?.includes(basic))).toEqual([])
  await until('the pull is logged', () => world.mirror.log().includes(`blobs/${layer!.digest}`))
  for (const part of [password, basic, reader.password])
    expect(world.mirror.log()).not.toContain(part)
})
