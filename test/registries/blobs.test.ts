import { describe, expect, test } from 'vitest'
import { createTestMirror, type TestMirror } from '../fakes/mirror.ts'
import {
  answers,
  buildImage,
  createFakeRegistry,
  type FakeRegistry,
  type Settings,
} from '../fakes/registry/index.ts'

const image = buildImage({ seed: 41, layerBytes: 50_000 })
const layer = image.blobs[1]!
const size = layer.bytes.length
const root = '/v2/registry.test/owner/name'
const url = `${root}/blobs/${layer.digest}`

function settle(settings: Settings): [FakeRegistry, TestMirror] {
  const fake = createFakeRegistry(settings)
  fake.push('owner/name', 'latest', image)
  const config = 'upstreams: { registry.test: {} }'
  return [fake, createTestMirror({ fetch: fake.fetch, config })]
}

type Hops = NonNullable<NonNullable<Settings['blobs']>['hops']>

function hop(location: string, status = 307, body: 'empty' | 'html' | 'errors' = 'empty'): Hops {
  return [{ status, location, body }]
}

const signed = 'https://cdn.test/{hex}?sig={serial}'

/** Every form of redirect that a registry is known to use, and each status. */
const redirects: Readonly<Record<string, Hops>> = {
  'none at all': [],
  '301': hop(signed, 301),
  '302 with a page': hop(signed, 302, 'html'),
  '302 with errors as body': hop(signed, 302, 'errors'),
  '303': hop(signed, 303),
  '307 with nothing': hop(signed, 307),
  '308': hop(signed, 308),
  'relative to the host': hop('/artifacts-downloads/{serial}'),
  'relative to the path': hop('../../downloads/{serial}'),
  'relative to the scheme': hop('//cdn.test/{hex}?{serial}'),
  'two hosts': [...hop('https://one.test/{hex}'), ...hop('https://two.test/{hex}?{serial}')],
  'a host, then a path of it': [...hop('https://one.test/{hex}'), ...hop('/b/{serial}', 302)],
  'four hops': ['a', 'b', 'c', 'd'].flatMap((name) => hop(`https://${name}.test/{serial}`)),
  '// in the path': hop('https://cdn.test/account//docker/{two}/{hex}/data?se={serial}'),
  '%3A in the path': hop('https://cdn.test/images/{encoded}?{serial}'),
  'the digest in the query alone': hop('https://cdn.test/?k=a%2Fb&d={digest}&s={serial}%3D'),
  'a port': hop('https://cdn.test:8443/{hex}'),
  'odd characters': hop("https://cdn.test/a~b!c'd(e)/{hex}?x=+%20&y=%c3%a4&{serial}"),
  'a fragment': hop('https://cdn.test/{hex}?{serial}#part'),
  'upper case': hop('HTTPS://CDN.test/{hex}?{serial}'),
}

describe.each(Object.entries(redirects))('redirect: %s', (_, hops) => {
  test.each(['get', 'head'] as const)('%s', async (method) => {
    const [fake, mirror] = settle({ blobs: { hops, head: 'redirect' } })
    const answer = await mirror[method](url)
    expect(answer.broken).toBeUndefined()
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-length')).toBe(String(size))
    expect(answer.headers.get('docker-content-digest')).toBe(layer.digest)
    if (method === 'get') expect(Buffer.compare(answer.bytes, layer.bytes)).toBe(0)
    else expect(answer.bytes).toHaveLength(0)
    for (const { url: called, headers, line } of fake.calls) {
      expect(headers.get('user-agent'), line).toMatch(/^pullway\/\d/)
      expect(headers.get('referer'), line).toBeNull()
      if (called.host !== 'registry.test') expect(headers.get('authorization'), line).toBeNull()
    }
  })
})

const refused = answers.signatureExpired

const heads: Readonly<Record<string, Settings>> = {
  'served by the registry': {},
  'without a length': { blobs: { headLength: false } },
  '401, as ECR public': { blobs: { head: answers.bareUnauthorized } },
  '403 at the blob host': {
    blobs: { hops: hop(signed), head: 'redirect' },
    blobHost: { head: refused },
  },
  '401 at the blob host': {
    blobs: { hops: hop(signed), head: 'redirect' },
    blobHost: { head: answers.bareUnauthorized },
  },
  'served by the registry, GET redirected': {
    blobs: { hops: hop(signed) },
    blobHost: { head: refused },
  },
}

test.each(Object.entries(heads))('HEAD of a cold blob: %s', async (_, settings) => {
  const [fake, mirror] = settle(settings)
  const answer = await mirror.head(url)
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-length')).toBe(String(size))
  expect(answer.headers.get('accept-ranges')).toBe('bytes')
  await mirror.settle()
  const moved = fake.calls.reduce((sum, call) => sum + call.sentBytes, 0)
  expect(moved, 'a HEAD moves no blob').toBeLessThan(size / 2)
})

const rangeForms: Readonly<Record<string, Settings>> = {
  'by the registry': {},
  honoured: { blobs: { hops: hop(signed) } },
  'honoured, but not announced': {
    blobs: { hops: hop(signed) },
    blobHost: { acceptRanges: false },
  },
  ignored: { blobs: { hops: hop(signed) }, blobHost: { ranges: 'ignore' } },
  'closed ones only': { blobs: { hops: hop(signed) }, blobHost: { ranges: 'closed-only' } },
}

const ranges = [
  ['bytes=0-99', 0, 99],
  ['bytes=100-', 100, size - 1],
  ['bytes=-50', size - 50, size - 1],
  ['bytes=0-999999999', 0, size - 1],
] as const

describe.each(Object.entries(rangeForms))('ranges upstream: %s', (_, settings) => {
  test.each(ranges)('a cold %s is a 206', async (range, first, last) => {
    const [, mirror] = settle(settings)
    const answer = await mirror.get(url, { range })
    expect(answer.broken).toBeUndefined()
    expect(answer.status).toBe(206)
    expect(answer.headers.get('content-range')).toBe(`bytes ${first}-${last}/${size}`)
    expect(answer.headers.get('content-length')).toBe(String(last - first + 1))
    expect(Buffer.compare(answer.bytes, layer.bytes.slice(first, last + 1))).toBe(0)
    const whole = await mirror.get(url)
    expect(Buffer.compare(whole.bytes, layer.bytes)).toBe(0)
  })

  test('a cold range past the end is a 416', async () => {
    const [, mirror] = settle(settings)
    const answer = await mirror.get(url, { range: `bytes=${size}-` })
    expect(answer.status).toBe(416)
    expect(answer.headers.get('content-range')).toBe(`bytes */${size}`)
  })
})

/** What a blob host may send instead of the blob; nothing of it may stay, whatever its status. */
const spoiled: Readonly<Record<string, Settings['blobHost']>> = {
  'half of it': { content: 'truncated' },
  'other bytes': { content: 'wrong' },
  'a page with 200': { content: answers.accessDeniedPage },
  'a page with 403': { content: answers.blockPage },
  '500': { content: answers.serverError },
  '404': { content: answers.notFoundPage },
  nothing: { content: { status: 200 } },
  '204': { content: { status: 204 } },
}

describe.each([
  ['its manifest was seen', true],
  ['nothing is known of it', false],
])('%s', (_, isManifestSeen) => {
  test.each(Object.entries(spoiled))('the blob host sends %s', async (_, blobHost) => {
    const [fake, mirror] = settle({ blobs: { hops: hop(signed) }, ...(blobHost && { blobHost }) })
    if (isManifestSeen) await mirror.get(`${root}/manifests/latest`)
    const answer = await mirror.get(url)
    await mirror.settle()
    const isWhole = answer.status === 200 && answer.broken === undefined
    expect(isWhole, `${answer.status} ${String(answer.broken)}`).toBe(false)
    expect([200, 403, 404, 503]).toContain(answer.status)
    await expectWell(fake, mirror)
  })

  test.each(Object.entries(spoiled))('HEAD is answered with %s', async (_, blobHost) => {
    const hops = hop(signed)
    const [fake, mirror] = settle({
      blobs: { hops, head: 'redirect' },
      ...(blobHost && { blobHost }),
    })
    if (isManifestSeen) await mirror.get(`${root}/manifests/latest`)
    await mirror.head(url)
    await mirror.settle()
    await expectWell(fake, mirror)
  })
})

/** The trouble is over, and nothing of it was kept: not the bytes, not their number, not the refusal. */
async function expectWell(fake: FakeRegistry, mirror: TestMirror): Promise<void> {
  fake.change({ blobHost: { content: 'right' } })
  await mirror.clock.advance(10_001)
  const again = await mirror.get(url)
  expect([again.status, again.broken]).toEqual([200, undefined])
  expect(again.headers.get('content-length')).toBe(String(size))
  expect(Buffer.compare(again.bytes, layer.bytes)).toBe(0)
}

test('a blob without a length comes whole, and has one from then on', async () => {
  const [fake, mirror] = settle({
    blobs: { hops: hop(signed) },
    blobHost: { contentLength: false },
  })
  const cold = await mirror.get(url)
  expect([cold.status, cold.broken]).toEqual([200, undefined])
  expect(Buffer.compare(cold.bytes, layer.bytes)).toBe(0)
  await mirror.settle()
  fake.takeLines()
  const warm = await mirror.get(url)
  expect(warm.headers.get('content-length')).toBe(String(size))
  expect(fake.takeLines()).toEqual([])
})

test('a blob host that cannot be reached with Authorization is never sent one', async () => {
  const hops = [...hop('https://one.test/{serial}'), ...hop(signed)]
  const [fake, mirror] = settle({ blobs: { hops }, blobHost: { authorization: 'refuse' } })
  const answer = await mirror.get(url, { authorization: 'Basic dTpw', cookie: 'a=b' })
  expect(answer.status).toBe(200)
  expect(fake.calls.filter(({ status }) => status === 400)).toEqual([])
})

test('sha512', async () => {
  const fake = createFakeRegistry({ blobs: { hops: hop(signed) } })
  const strong = buildImage({ seed: 43, algorithm: 'sha512' })
  fake.push('owner/name', 'strong', strong)
  const mirror = createTestMirror({ fetch: fake.fetch, config: 'upstreams: { registry.test: {} }' })
  for (const [kind, contents] of [
    ['manifests', strong.manifests],
    ['blobs', strong.blobs],
  ] as const) {
    for (const { digest, bytes } of contents) {
      const answer = await mirror.get(`${root}/${kind}/${digest}`)
      expect([answer.status, answer.broken]).toEqual([200, undefined])
      expect(answer.headers.get('docker-content-digest')).toBe(digest)
      expect(Buffer.compare(answer.bytes, bytes)).toBe(0)
    }
  }
  fake.fail({ kind: 'blob-host' }, { kind: 'wrong-bytes' })
  const other = buildImage({ seed: 44, algorithm: 'sha512' })
  fake.push('owner/name', 'other', other)
  const answer = await mirror.get(`${root}/blobs/${other.blobs[1]!.digest}`)
  expect(answer.broken).toBeDefined()
})
