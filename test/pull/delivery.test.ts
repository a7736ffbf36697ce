import type { Delivery, PresignBlob } from '@pullway/core'
import { createMemoryBlobStore } from '@pullway/memory'
import { describe, expect, test } from 'vitest'
import { createTestMirror, type TestMirrorOptions } from '../fakes/mirror.ts'
import { buildImage, createFakeRegistry, type Settings } from '../fakes/registry/index.ts'

const image = buildImage({ seed: 51, layerBytes: 50_000 })
const layer = image.blobs[1]!
const size = layer.bytes.length
const root = '/v2/registry.test/owner/name'
const path = `${root}/blobs/${layer.digest}`
const cdn: Settings = {
  blobs: {
    hops: [{ status: 307, location: 'https://cdn.test/{hex}?sig={serial}', body: 'empty' }],
  },
}
const bucketLink = new URL('https://bucket.test/blobs?signature=1')

function settle(options: Partial<TestMirrorOptions> & { settings?: Settings; blobs_?: string }) {
  const { settings = cdn, blobs_ = 'auto', ...others } = options
  const fake = createFakeRegistry(settings)
  fake.push('owner/name', 'latest', image)
  const config = `upstreams: { registry.test: { blobs: ${blobs_} } }`
  return { fake, mirror: createTestMirror({ fetch: fake.fetch, config, ...others }) }
}

const rather: Delivery = { prefers: 'redirect' }
const capped = (maxStreamBytes: number): Delivery => ({ prefers: 'stream', maxStreamBytes })

describe('a link', () => {
  test.each<[string, Delivery | undefined, string, boolean]>([
    ['nothing said', undefined, 'auto', false],
    ['the platform prefers links', rather, 'auto', true],
    ['the operator wants streams', rather, 'stream', false],
    ['the operator wants links', undefined, 'redirect', true],
    ['it is too large', capped(size - 1), 'auto', true],
    ['it is too large, whatever is wanted', capped(size - 1), 'stream', true],
    ['it just fits', capped(size), 'auto', false],
  ])('%s: %j, blobs: %s -> %s', async (_, delivery, blobs_, isLinked) => {
    const { mirror } = settle({ blobs_, ...(delivery && { delivery }) })
    await mirror.get(`${root}/manifests/latest`)
    const answer = await mirror.get(path)
    expect(answer.status).toBe(isLinked ? 307 : 200)
    expect(answer.headers.get('location')?.startsWith('https://cdn.test/')).toBe(
      isLinked ? true : undefined,
    )
    if (!isLinked) expect(Buffer.compare(answer.bytes, layer.bytes)).toBe(0)
    else expect(answer.headers.get('cache-control')).toBe('no-store')
  })

  test('moves no byte of the blob, and is new each time', async () => {
    const { fake, mirror } = settle({ delivery: rather })
    const links = [await mirror.get(path), await mirror.get(path)]
    expect(new Set(links.map(({ headers }) => headers.get('location'))).size).toBe(2)
    expect(fake.calls.some(({ url }) => url.host === 'cdn.test')).toBe(false)
  })

  test.each<[string, Delivery, string, number]>([
    ['where links are preferred', rather, 'auto', 200],
    ['where the operator wants links', { prefers: 'stream' }, 'redirect', 200],
    ['where it is too large, except to our own store', capped(size - 1), 'auto', 404],
  ])(
    'to a stranger never goes from an address with a secret, %s',
    async (_, delivery, blobs_, status) => {
      const { fake, mirror } = settle({ blobs_, delivery })
      await mirror.get(`${root}/manifests/latest`)
      const answer = await mirror.get(`/t/pwt_0${path}`)
      expect(answer.status).toBe(status)
      expect(answer.headers.get('location')).toBeNull()
      for (const { url, headers } of fake.calls)
        expect(url.href + JSON.stringify([...headers])).not.toContain('/t/')
    },
  )

  test('to our own store, once the blob is there', async () => {
    const store = createMemoryBlobStore({ maxBytes: 2 ** 20 })
    const presign: PresignBlob = async (digest) =>
      (await store.stat(digest)) ? bucketLink : undefined
    const { mirror: first } = settle({ blobs: store, presign })
    await first.get(path)
    await first.settle()
    const { mirror, fake } = settle({ blobs: store, presign, delivery: rather })
    await mirror.get(`${root}/manifests/latest`)
    const before = fake.calls.length
    expect((await mirror.get(path)).headers.get('location')).toBe(bucketLink.href)
    expect(fake.calls).toHaveLength(before)
  })

  test.each([
    ['http://cdn.test/{hex}', 503],
    ['https://10.0.0.1/{hex}', 503],
    ['https://user:password@cdn.test/{hex}', 503],
    ['https://169.254.169.254/latest/{hex}', 503],
    ['ftp://cdn.test/{hex}', 503],
  ])('to %s is given to nobody', async (location, status) => {
    const settings: Settings = { blobs: { hops: [{ status: 307, location, body: 'empty' }] } }
    const { mirror } = settle({ settings, delivery: rather })
    const answer = await mirror.get(path)
    expect([answer.status, answer.headers.get('location')]).toEqual([status, null])
  })

  test.each<[string, Settings]>([
    ['none', { blobs: { hops: [] } }],
    ['one to itself', { blobs: { hops: [{ status: 302, location: '/d/{hex}', body: 'empty' }] } }],
  ])('where the registry gives %s, streams; too large a blob is refused', async (_, settings) => {
    const { mirror } = settle({ settings, delivery: rather })
    expect(Buffer.compare((await mirror.get(path)).bytes, layer.bytes)).toBe(0)
    const { mirror: small } = settle({ settings, delivery: capped(1_000) })
    await small.get(`${root}/manifests/latest`)
    const answer = await small.get(path)
    expect([answer.status, answer.code]).toEqual([404, 'UNSUPPORTED'])
  })

  test('is given to no repository that does not hold the blob', async () => {
    const { fake, mirror } = settle({ delivery: rather })
    await mirror.get(path)
    fake.push('other/name', 'latest', buildImage({ seed: 52 }))
    const answer = await mirror.get(path.replace('owner/name', 'other/name'))
    expect([answer.status, answer.headers.get('location')]).toEqual([404, null])
  })
})

describe('passing through', () => {
  const delivery: Delivery = { prefers: 'stream', passesThrough: true }

  function ingesting(bad = false) {
    const stored: string[] = []
    return {
      stored,
      ingest: async (digest: string, body: ReadableStream<Uint8Array>, bytes: number) => {
        const all = new Uint8Array(await new Response(body).arrayBuffer())
        if (bad || all.byteLength !== bytes) throw new Error('other bytes')
        stored.push(digest)
      },
    }
  }

  test('gives the bytes as they come, and stores them by a request of its own', async () => {
    const { stored, ingest } = ingesting()
    const { mirror } = settle({ delivery, ingest })
    const answer = await mirror.get(path)
    expect(Buffer.compare(answer.bytes, layer.bytes)).toBe(0)
    expect(answer.headers.get('content-length')).toBe(String(size))
    await mirror.settle()
    expect(stored).toEqual([layer.digest])
  })

  test('stores a blob once for many clients', async () => {
    const { stored, ingest } = ingesting()
    const { mirror } = settle({ delivery, ingest })
    await Promise.all(Array.from({ length: 5 }, () => mirror.get(path)))
    await mirror.settle()
    expect(stored).toEqual([layer.digest])
  })

  test('a store that refuses the bytes costs no pull, and is asked again', async () => {
    const { ingest } = ingesting(true)
    const { mirror } = settle({ delivery, ingest })
    for (let time = 0; time < 2; time += 1) {
      expect(Buffer.compare((await mirror.get(path)).bytes, layer.bytes)).toBe(0)
      await mirror.settle()
    }
    expect(mirror.logged.filter((line) => line.includes('a blob was not stored'))).toHaveLength(2)
  })

  test.each([
    ['bytes=0-9', 0, 9],
    ['bytes=100-', 100, size - 1],
    ['bytes=-5', size - 5, size - 1],
  ])('%s is a part', async (range, first, last) => {
    const { mirror } = settle({ delivery })
    const answer = await mirror.get(path, { range })
    expect(answer.status).toBe(206)
    expect(answer.headers.get('content-range')).toBe(`bytes ${first}-${last}/${size}`)
    expect(Buffer.compare(answer.bytes, layer.bytes.subarray(first, last + 1))).toBe(0)
  })

  test('a part that is not there is 416', async () => {
    const { mirror } = settle({ delivery })
    expect((await mirror.get(path, { range: `bytes=${size}-` })).status).toBe(416)
  })
})
