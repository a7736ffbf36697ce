import { describe, expect, test } from 'vitest'
import { createTestMirror, type Answered, type TestMirror } from '../fakes/mirror.ts'
import {
  buildMultiArch,
  createFakeRegistry,
  type Call,
  type Content,
  type FakeRegistry,
} from '../fakes/registry/index.ts'
import { config, linesOf, registries, withoutSerials, type RegistryRow } from './registries.ts'

const image = buildMultiArch({ seed: 3, layers: 2, layerBytes: 40_000 })
const index = image.root
const child = image.manifests[1]!

/** What a client may send that is none of an upstream's business (clients.md, section 6). */
const clientHeaders = {
  accept: [
    'application/json',
    'application/vnd.docker.distribution.manifest.v2+json',
    'application/vnd.oci.image.index.v1+json',
    'application/vnd.docker.distribution.manifest.list.v2+json',
    'application/vnd.oci.image.manifest.v1+json',
    'application/vnd.docker.distribution.manifest.v1+prettyjws',
  ].join(', '),
  'accept-encoding': 'gzip',
  authorization: `Basic ${btoa('hubuser:hubpassword')}`,
  cookie: 'session=client',
  'user-agent': 'docker/20.10.24 go/go1.19.8 git-commit/5d6db84 kernel/6.1.0',
  'x-forwarded-for': '203.0.113.9',
}

interface Setting {
  readonly fake: FakeRegistry
  readonly mirror: TestMirror
}

function settle({ settings, repository }: RegistryRow): Setting {
  const fake = createFakeRegistry(settings)
  fake.push(repository, 'latest', image)
  return { fake, mirror: createTestMirror({ fetch: fake.fetch, config }) }
}

describe.each(registries)('$what', (row) => {
  const { path } = row

  test('a pull as dockerd does it takes just these calls', async () => {
    const { fake, mirror } = settle(row)
    const ask = async (method: 'get' | 'head', end: string): Promise<[Answered, string[]]> => {
      const answer = await mirror[method](`${path}/${end}`, clientHeaders)
      await mirror.settle()
      return [answer, withoutSerials(fake.takeLines())]
    }

    // One GET answers the HEAD and the GET by digest that follows: the same one pull at Docker Hub.
    const [head, contact] = await ask('head', 'manifests/latest')
    expectContent(head, index, true)
    expect(contact).toEqual(linesOf(row, 'GET', 'latest', row.manifest, true))

    const [whole, none] = await ask('get', `manifests/${index.digest}`)
    expectContent(whole, index, false)
    expect(none).toEqual([])

    const [platform, lines] = await ask('get', `manifests/${child.digest}`)
    expectContent(platform, child, false)
    expect(lines).toEqual(linesOf(row, 'GET', child.digest, row.manifest, false))

    for (const blob of blobsOf(child)) {
      const [answer, lines] = await ask('get', `blobs/${blob.digest}`)
      expectContent(answer, blob, false)
      expect(lines).toEqual(linesOf(row, 'GET', blob.digest, row.blob, false))
    }
    expectManners(fake, row)
  })

  test('a pull as podman does it begins with one GET by tag', async () => {
    const { fake, mirror } = settle(row)
    expectContent(await mirror.get(`${path}/manifests/latest`, clientHeaders), index, false)
    expect(fake.takeLines()).toEqual(linesOf(row, 'GET', 'latest', row.manifest, true))
    expectContent(await mirror.get(`${path}/manifests/${index.digest}`), index, false)
    expect(fake.takeLines()).toEqual([])
    expectManners(fake, row)
  })

  test('a second pull asks for nothing', async () => {
    const { fake, mirror } = settle(row)
    for (const round of ['cold', 'warm']) {
      for (const end of [
        'manifests/latest',
        ...[index, child].map(({ digest }) => `manifests/${digest}`),
        ...blobsOf(child).map(({ digest }) => `blobs/${digest}`),
      ]) {
        const answer = await mirror.get(`${path}/${end}`, clientHeaders)
        expect(answer.status, `${round} ${end}`).toBe(200)
        const isKnown = round === 'warm' || end === `manifests/${index.digest}`
        const cacheStatus = isKnown ? 'pullway; hit' : 'pullway; fwd=miss; stored'
        expect(answer.headers.get('cache-status'), `${round} ${end}`).toBe(cacheStatus)
        await mirror.settle()
        expect((await mirror.head(`${path}/${end}`)).status, `${round} ${end}`).toBe(200)
      }
      if (round === 'cold') fake.takeLines()
    }
    expect(fake.takeLines()).toEqual([])
  })
})

function blobsOf(manifest: Content): Content[] {
  const text = new TextDecoder().decode(manifest.bytes)
  return image.blobs.filter(({ digest }) => text.includes(digest))
}

function expectContent(answer: Answered, content: Content, isHead: boolean): void {
  expect(answer.broken).toBeUndefined()
  expect({ status: answer.status, ...pick(answer.headers) }).toEqual({
    status: 200,
    'content-length': String(content.bytes.length),
    'content-type':
      content.mediaType.includes('manifest') || content.mediaType.includes('index')
        ? content.mediaType
        : 'application/octet-stream',
    'docker-content-digest': content.digest,
    'docker-distribution-api-version': 'registry/2.0',
    etag: `"${content.digest}"`,
    'content-encoding': null,
    'set-cookie': null,
    location: null,
  })
  expect(Buffer.compare(answer.bytes, isHead ? new Uint8Array() : content.bytes)).toBe(0)
}

function pick(headers: Headers): Record<string, string | null> {
  const names = [
    'content-length',
    'content-type',
    'docker-content-digest',
    'docker-distribution-api-version',
    'etag',
    'content-encoding',
    'set-cookie',
    'location',
  ]
  return Object.fromEntries(names.map((name) => [name, headers.get(name)]))
}

/** What holds for every call of every pull, whatever the registry. */
function expectManners(fake: FakeRegistry, row: RegistryRow): void {
  expect(fake.calls.length).toBeGreaterThan(0)
  const grantedTokens = fake.calls.filter(({ kind }) => kind === 'token')
  for (const call of fake.calls) {
    const { headers, line } = call
    expect(headers.get('user-agent'), line).toMatch(/^pullway\/\d/)
    expect(headers.get('accept-encoding'), line).toBe('identity')
    expect(headers.get('cookie'), line).toBeNull()
    expect(headers.get('x-forwarded-for'), line).toBeNull()
    expect(headers.get('authorization') ?? '', line).not.toMatch(/^Basic/)
    const belongsToEndpoint = call.url.host === new URL(`https://${row.manifest[0]!}`).host
    expect(call.network, line).toBe(belongsToEndpoint ? 'any' : 'public')
    if (call.kind === 'manifest') expectAccept(call)
    if (call.kind === 'token') expectTokenRequest(call, row)
    if (call.kind === 'blob-host' && !belongsToEndpoint) {
      expect(headers.get('authorization'), line).toBeNull()
    }
  }
  expect(grantedTokens).toHaveLength(row.realm === undefined ? 0 : 1)
}

function expectAccept(call: Call): void {
  expect((call.headers.get('accept') ?? '').split(', ').sort()).toEqual([
    'application/vnd.docker.distribution.manifest.list.v2+json',
    'application/vnd.docker.distribution.manifest.v2+json',
    'application/vnd.oci.image.index.v1+json',
    'application/vnd.oci.image.manifest.v1+json',
  ])
}

function expectTokenRequest(call: Call, row: RegistryRow): void {
  const query = call.url.searchParams
  expect(query.getAll('scope')).toEqual([`repository:${row.repository}:pull`])
  expect(query.getAll('service')).toEqual(row.service === undefined ? [] : [row.service])
  expect(call.headers.get('authorization')).toBeNull()
}
