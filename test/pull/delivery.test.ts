import {
  type BlobStore,
  CannotIngest,
  type Delivery,
  type IngestBlob,
  type PresignBlob,
} from '@pullway/core'
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

describe('a blob of unknown size, where the platform sends no large ones', () => {
  const heads = (fake: ReturnType<typeof settle>['fake']) =>
    fake.calls.filter(
      ({ method, kind, status }) => method === 'HEAD' && kind === 'blob' && status !== 401,
    ).length

  test.each<[string, number, string, number]>([
    ['fits', size, 'auto', 200],
    ['is too large', size - 1, 'auto', 307],
    ['is too large, and streams are wanted', size - 1, 'stream', 307],
    ['fits, and links are wanted', size, 'redirect', 307],
  ])('%s: a HEAD decides, %i bytes, blobs: %s -> %i', async (_, most, blobs_, status) => {
    const { fake, mirror } = settle({ blobs_, delivery: capped(most) })
    const answer = await mirror.get(path)
    expect(answer.status).toBe(status)
    if (status === 200) expect(Buffer.compare(answer.bytes, layer.bytes)).toBe(0)
    expect(heads(fake)).toBe(1)
  })

  test.each(['auto', 'redirect'])('without a link to it is refused: blobs: %s', async (blobs_) => {
    const settings: Settings = { blobs: { hops: [] } }
    const { mirror } = settle({ settings, blobs_, delivery: capped(1_000) })
    const answer = await mirror.get(path)
    expect([answer.status, answer.code]).toEqual([404, 'UNSUPPORTED'])
  })

  test('is asked for by GET alone where there is no such limit', async () => {
    const { fake, mirror } = settle({ delivery: rather })
    expect((await mirror.get(path)).status).toBe(307)
    expect(heads(fake)).toBe(0)
  })
})

describe('behind a link of the upstream’s', () => {
  interface Behind {
    readonly delivery?: Delivery
    readonly blobs_?: string
    readonly ingest?: IngestBlob
    readonly change?: (store: BlobStore) => Partial<BlobStore>
  }

  function settleBucket({ change = () => ({}), ...options }: Behind = {}) {
    const memory = createMemoryBlobStore({ maxBytes: 2 ** 20 })
    const store = { ...memory, ...change(memory) }
    const lives: number[] = []
    const presign: PresignBlob = async (digest, seconds) => {
      lives.push(seconds)
      return (await store.stat(digest)) ? bucketLink : undefined
    }
    return { store, lives, ...settle({ delivery: rather, blobs: store, presign, ...options }) }
  }

  const fromCdn = (fake: ReturnType<typeof settle>['fake']) =>
    fake.calls.filter(({ url }) => url.host === 'cdn.test').length
  const hostOf = ({ headers }: { headers: Headers }) =>
    new URL(headers.get('location') ?? 'none:').host

  test.each<[string, Behind]>([
    ['the platform prefers links', {}],
    ['the operator wants them', { delivery: { prefers: 'stream' }, blobs_: 'redirect' }],
    ['it is too large for the platform', { delivery: capped(size - 1) }],
  ])('the store fills once, and the next link is ours: %s', async (_, options) => {
    const { fake, mirror } = settleBucket(options)
    const first = await Promise.all(Array.from({ length: 5 }, () => mirror.get(path)))
    expect(first.map(hostOf)).toEqual(Array.from({ length: 5 }, () => 'cdn.test'))
    await mirror.settle()
    expect(fromCdn(fake)).toBe(1)
    const next = await mirror.get(path)
    expect([next.status, hostOf(next)]).toEqual([307, bucketLink.host])
  })

  test('wrong bytes never become visible, and are asked for again', async () => {
    const { fake, mirror, store } = settleBucket()
    const fault = fake.fail({ kind: 'blob-host' }, { kind: 'wrong-bytes' })
    expect(hostOf(await mirror.get(path))).toBe('cdn.test')
    await mirror.settle()
    expect(await store.stat(layer.digest as `sha256:${string}`)).toBeUndefined()
    expect(mirror.logged.some((line) => line.includes('a blob was not stored'))).toBe(true)
    fault.lift()
    expect(hostOf(await mirror.get(path))).toBe('cdn.test')
    await mirror.settle()
    expect(hostOf(await mirror.get(path))).toBe(bucketLink.host)
  })

  test('a store that takes nothing ends the download', async () => {
    const write = () => Promise.reject(new Error('full'))
    const { fake, mirror } = settleBucket({ change: () => ({ write }) })
    // It would never end by itself.
    fake.fail({ kind: 'blob-host' }, { kind: 'stall', afterBytes: 10 })
    expect(hostOf(await mirror.get(path))).toBe('cdn.test')
    await mirror.settle()
    expect(fromCdn(fake)).toBe(1)
  })

  test('another mirror that has begun with it is waited for', async () => {
    const { fake, mirror } = settleBucket({ change: () => ({ stat: async () => undefined }) })
    for (let time = 0; time < 3; time += 1) {
      await mirror.get(path)
      await mirror.settle()
    }
    expect(fromCdn(fake)).toBe(1)
  })

  test('by the platform’s own means, where JavaScript touches no layer', async () => {
    const stored: string[] = []
    const ingest: IngestBlob = async (digest, body) => {
      await new Response(body).arrayBuffer()
      stored.push(digest)
    }
    const { mirror } = settleBucket({
      delivery: { prefers: 'redirect', passesThrough: true },
      ingest,
    })
    expect(hostOf(await mirror.get(path))).toBe('cdn.test')
    await mirror.settle()
    expect(stored).toEqual([layer.digest])
  })

  test.each([
    [1, 1_200],
    [1_200_000_000, 1_200],
    [1_200_000_001, 1_201],
    [10_000_000_000, 10_000],
    [10 ** 12, 21_600],
  ])('our link to %i bytes lives for %i seconds', async (bytes, seconds) => {
    const stat = () => Promise.resolve({ size: bytes })
    const { mirror, lives } = settleBucket({ change: () => ({ stat }) })
    const answer = await mirror.get(path)
    expect(hostOf(answer)).toBe(bucketLink.host)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(lives).toEqual([seconds])
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

  test.each<[string, boolean]>([
    ['right', true],
    ['wrong', false],
  ])(
    'what the platform cannot take by its own means is hashed here: %s bytes',
    async (_, isRight) => {
      const store = createMemoryBlobStore({ maxBytes: 2 ** 20 })
      const ingest: IngestBlob = async (digest, body) => {
        await body.cancel()
        throw new CannotIngest(`not ${digest}`)
      }
      const { fake, mirror } = settle({ delivery, ingest, blobs: store })
      if (!isRight) fake.fail({ kind: 'blob-host' }, { kind: 'wrong-bytes' })
      await mirror.get(path)
      await mirror.settle()
      const stat = await store.stat(layer.digest as `sha256:${string}`)
      expect(stat).toEqual(isRight ? { size } : undefined)
      expect(mirror.logged.some((line) => line.includes('a blob was not stored'))).toBe(!isRight)
    },
  )

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

  test.each([undefined, { blobHost: { ranges: 'ignore' } } as const])(
    'a body is the upstream’s own, and no bytes of it are read: %j',
    async (host) => {
      const { fake } = settle({ settings: { ...cdn, ...host } })
      const bodies: unknown[] = []
      const mirror = createTestMirror({
        fetch: async (request, rules) => {
          const response = await fake.fetch(request, rules)
          if (request.url.startsWith('https://cdn.test/')) bodies.push(response.body)
          return response
        },
        config: 'upstreams: { registry.test: {} }',
        delivery,
      })
      const answer = await mirror.fetch(path, { headers: { range: 'bytes=10-19' } })
      expect(answer.status).toBe(host ? 200 : 206)
      expect(answer.body).toBe(bodies.at(-1))
      const wanted = host ? layer.bytes : layer.bytes.subarray(10, 20)
      expect(answer.headers.get('content-length')).toBe(String(wanted.length))
      expect(new Uint8Array(await answer.arrayBuffer())).toEqual(wanted)
    },
  )

  test.each<[string, string, number, string | null]>([
    ['less than asked for', `bytes 10-14/${size}`, 206, `bytes 10-14/${size}`],
    ['more than asked for', `bytes 10-29/${size}`, 503, null],
    ['another part', `bytes 11-19/${size}`, 503, null],
    ['a part of another size', `bytes 10-19/${size + 1}`, 503, null],
    ['a part of something', 'bytes 10-19/*', 206, `bytes 10-19/${size}`],
    ['nobody knows what', 'nonsense', 503, null],
  ])('an upstream that sends %s (%s): %i', async (_, contentRange, status, given) => {
    const { fake } = settle({})
    const mirror = createTestMirror({
      fetch: async (request, rules) => {
        const response = await fake.fetch(request, rules)
        if (response.status !== 206) return response
        return new Response(response.body, {
          status: 206,
          headers: { 'content-range': contentRange },
        })
      },
      config: 'upstreams: { registry.test: {} }',
      delivery,
    })
    await mirror.get(`${root}/manifests/latest`)
    const answer = await mirror.get(path, { range: 'bytes=10-19' })
    expect([answer.status, answer.headers.get('content-range')]).toEqual([status, given])
  })
})
