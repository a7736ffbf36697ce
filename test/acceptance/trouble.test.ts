import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { makeImage } from '../clients/upstream/images.ts'
import { accept, expectContent, expectError, expectNoLie } from './expect.ts'
import type { Answer } from './http.ts'
import { onlyWith } from './only-with.ts'
import { allKept, pullAll, topOf } from './pull.ts'
import type { Play, Scripted } from './stage.ts'
import { startWorld, type World } from './world.ts'

const kept = makeImage('library/pullway-kept:1.0', [30_000])
const cold = makeImage('library/pullway-cold:1.0', [30_000])
const silent = makeImage('library/pullway-silent:1.0', [30_000])
const names = ['flipped', 'long', 'short', 'cut', 'manifest'] as const
const broken = names.map((name) => makeImage(`library/pullway-${name}:1.0`, [600_000]))

let world: World

beforeAll(async () => {
  world = await startWorld(kept, cold, silent, ...broken)
  await pullAll(world, kept)
})

beforeEach(() => world.reset())

afterAll(() => world.stop())

const manifestOf = (name: string): Promise<Answer> =>
  world.ask(`/v2/${name}/manifests/1.0`, { headers: { accept } })

describe('the upstream limits the mirror', () => {
  const limited: Scripted = {
    status: 429,
    headers: { 'content-type': 'application/json', 'retry-after': '30' },
    body: JSON.stringify({ errors: [{ code: 'TOOMANYREQUESTS', message: 'too many' }] }),
  }

  beforeEach(() => {
    world.stage.play(() => limited)
  })

  onlyWith('keeps-blobs', 'a copy that is here is served, with a warning', async () => {
    await world.reset()
    await allKept(world, kept)
    world.stage.play(() => limited)
    const answer = await manifestOf('library/pullway-kept')
    expectContent(answer, topOf(kept))
    expect(answer.headers['warning']).toMatch(/^299 - ".+"$/)
    const [config] = kept.blobs
    expectContent(await world.ask(`/v2/library/pullway-kept/blobs/${config!.digest}`), config!)
  })

  test('without a copy the client is told to come back, or at once where it can go elsewhere', async () => {
    const elsewhere = await manifestOf('library/pullway-cold')
    expectError(elsewhere, { status: 429, code: 'TOOMANYREQUESTS' })
    expect(elsewhere.headers['retry-after']).toBe('1')
    const nowhere = await manifestOf('docker.io/library/pullway-cold')
    expectError(nowhere, { status: 429, code: 'TOOMANYREQUESTS' })
    expect(nowhere.headers['retry-after']).toBe('30')
  })
})

test('the upstream hangs: everything is answered within 15 s, pages at once', async () => {
  world.stage.play(() => 'hang')
  const question = { headers: { accept } }
  const asked = [
    manifestOf('library/pullway-silent'),
    world.ask('/v2/library/pullway-silent/manifests/1.0', { ...question, method: 'HEAD' }),
    world.ask(`/v2/library/pullway-silent/manifests/${silent.digest}`, question),
    world.ask(`/v2/library/pullway-silent/blobs/${silent.usual.id}`),
    world.ask(`/v2/library/pullway-silent/blobs/${silent.usual.id}`, { method: 'HEAD' }),
    world.ask('/v2/library/pullway-silent/tags/list'),
    world.ask('/v1/search?q=nginx'),
  ]
  const known = manifestOf('library/pullway-kept')
  for (const page of ['/v2/', '/healthz']) expect((await world.ask(page)).seconds).toBeLessThan(3)
  for (const answer of await Promise.all(asked)) {
    expect.soft(answer.status).toBe(504)
    expect.soft(answer.seconds).toBeLessThan(15)
  }
  const answer = await known
  expect(answer.seconds).toBeLessThan(15)
  // Where nothing is kept there is no stale copy either.
  if (answer.status === 200) expect(answer.headers['warning']).toMatch(/^299 /)
  else expect(answer.status).toBe(504)
})

describe('wrong bytes from the upstream', () => {
  const [flipped, long, short, cut, manifest] = broken as [Image, Image, Image, Image, Image]

  function instead(image: Image, change: (bytes: Buffer) => Buffer): Play {
    const layer = layerOf(image)
    return ({ kind, method, path }) => {
      if (kind !== 'blob' || !path.includes(layer.digest)) return 'pass'
      const body = change(Buffer.from(layer.bytes))
      return { status: 200, body: method === 'HEAD' ? '' : body }
    }
  }

  const rows = [
    { what: 'one byte differs', image: flipped, change: flipLast },
    {
      what: 'there are more',
      image: long,
      change: (bytes: Buffer) => Buffer.concat([bytes, bytes]),
    },
    {
      what: 'there are fewer',
      image: short,
      change: (bytes: Buffer) => bytes.subarray(0, 300_000),
    },
  ]

  for (const { what, image, change } of rows) {
    onlyWith(
      'verifies-blobs',
      `never end as a whole answer, and are not kept: ${what}`,
      async () => {
        const layer = layerOf(image)
        const path = `/v2/${image.repository}/blobs/${layer.digest}`
        world.stage.play(instead(image, change))
        const answer = await world.ask(path)
        expect(answer.status >= 500 || !answer.isWhole).toBe(true)
        expectNoLie(answer, layer)
        expect(world.stage.asked().filter(({ kind }) => kind === 'blob')).not.toEqual([])
        world.stage.pass()
        expectContent(await world.ask(path), layer)
      },
    )
  }

  test('of a manifest are an error', async () => {
    const top = topOf(manifest)
    const path = `/v2/${manifest.repository}/manifests/${top.digest}`
    const headers = { 'content-type': top.mediaType, 'docker-content-digest': top.digest }
    const body = Buffer.from(top.bytes.toString().replace('"schemaVersion":2', '"schemaVersion":3'))
    expect(body.equals(top.bytes)).toBe(false)
    world.stage.play(({ kind }) => (kind === 'manifest' ? { status: 200, headers, body } : 'pass'))
    const answer = await world.ask(path, { headers: { accept } })
    expectError(answer, { status: 503, code: 'UNAVAILABLE' })
    world.stage.pass()
    expectContent(await world.ask(path, { headers: { accept } }), top)
  })

  test('a download that is cut is resumed, or visibly cut', async () => {
    const layer = layerOf(cut)
    const path = `/v2/${cut.repository}/blobs/${layer.digest}`
    let isFirst = true
    world.stage.play(({ kind, method }) => {
      if (kind !== 'blob' || method !== 'GET' || !isFirst) return 'pass'
      isFirst = false
      return { status: 200, body: layer.bytes, cutAt: 200_000 }
    })
    expectNoLie(await world.ask(path), layer)
    expect(isFirst).toBe(false)
    expectContent(await world.ask(path), layer)
  })
})

type Image = ReturnType<typeof makeImage>

function layerOf({ blobs }: Image): Image['blobs'][number] {
  return blobs.at(-1)!
}

function flipLast(bytes: Buffer): Buffer {
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1)
  return bytes
}
