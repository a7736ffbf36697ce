import { describe, expect, test } from 'vitest'
import { createTestMirror, type TestMirror } from '../fakes/mirror.ts'
import { buildImage, createFakeRegistry, type FakeRegistry } from '../fakes/registry/index.ts'
import { ghcr } from '../fakes/registry/profiles/ghcr.ts'
import { linuxserverRedirecting } from '../fakes/registry/profiles/others.ts'

/** An in-house registry, on private addresses throughout. */
const image = buildImage({ seed: 91 })
const endpoint = 'http://10.0.0.5:5000'

interface HouseRow {
  readonly what: string
  readonly realm: string
  readonly blobs: string
  readonly trustedHosts: readonly string[]
  readonly manifest: number
  readonly blob: number
}

const realm = 'http://10.0.0.6/token'
const bucket = 'http://10.0.0.7:9000/'

const rows: readonly HouseRow[] = [
  { what: 'nothing is trusted', realm, blobs: bucket, trustedHosts: [], manifest: 403, blob: 403 },
  {
    what: 'the realm is the endpoint’s own host',
    realm: `${endpoint}/token`,
    blobs: '/files/{serial}',
    trustedHosts: [],
    manifest: 200,
    blob: 200,
  },
  {
    what: 'the realm is another port of it',
    realm: 'http://10.0.0.5:5001/token',
    blobs: '/files/{serial}',
    trustedHosts: [],
    manifest: 403,
    blob: 403,
  },
  {
    what: 'a host is trusted whose name the realm’s begins with',
    realm: 'http://10.0.0.66/token',
    blobs: bucket,
    trustedHosts: ['10.0.0.6'],
    manifest: 403,
    blob: 403,
  },
  {
    what: 'the realm is trusted, the bucket is not',
    realm,
    blobs: bucket,
    trustedHosts: ['10.0.0.6'],
    manifest: 200,
    blob: 503,
  },
  {
    what: 'both are trusted',
    realm,
    blobs: bucket,
    trustedHosts: ['10.0.0.6', '10.0.0.7:9000'],
    manifest: 200,
    blob: 200,
  },
  {
    what: 'another port of the bucket is trusted',
    realm,
    blobs: bucket,
    trustedHosts: ['10.0.0.6', '10.0.0.7:9001'],
    manifest: 200,
    blob: 503,
  },
  {
    what: 'the endpoint’s own host on another port is no bucket',
    realm: `${endpoint}/token`,
    blobs: 'http://10.0.0.5:6443/',
    trustedHosts: [],
    manifest: 200,
    blob: 503,
  },
]

function settleHouse(row: HouseRow): { fake: FakeRegistry; mirror: TestMirror } {
  const lines = [`Bearer realm="${row.realm}",service="house"`]
  const fake = createFakeRegistry({
    hosts: ['10.0.0.5:5000'],
    challenge: { ping: lines, repository: lines },
    token: { realm: row.realm },
    blobs: { hops: [{ status: 307, location: `${row.blobs}{hex}`, body: 'empty' }] },
    users: { alice: 'secret' },
  })
  fake.push('owner/name', 'latest', image)
  const config = JSON.stringify({
    upstreams: {
      'registry.house.test': {
        aliases: ['house'],
        endpoints: [{ url: endpoint, username: 'alice', password: 'secret' }],
        trustedHosts: row.trustedHosts,
      },
    },
  })
  return { fake, mirror: createTestMirror({ fetch: fake.fetch, config }) }
}

describe('an in-house registry', () => {
  test.each(rows)('$what', async (row) => {
    const { fake, mirror } = settleHouse(row)
    const manifest = await mirror.get('/v2/house/owner/name/manifests/latest')
    expect(manifest.status).toBe(row.manifest)
    const blob = await mirror.get(`/v2/house/owner/name/blobs/${image.blobs[0]!.digest}`)
    expect(blob.status).toBe(row.blob)
    const named = new Set(['10.0.0.5:5000', ...row.trustedHosts])
    for (const { url, network, headers, line } of fake.calls) {
      expect([...named, new URL(row.realm).host]).toContain(url.host)
      expect(network, line).toBe(named.has(url.host) ? 'any' : 'public')
      if (url.host === '10.0.0.7:9000') expect(headers.get('authorization')).toBeNull()
    }
  })
})

/** Two upstreams that share a realm: what one may see is no business of the other's. */
describe('credentials for ghcr.io', () => {
  const config = JSON.stringify({
    upstreams: {
      'ghcr.io': { endpoints: [{ url: 'https://ghcr.io', username: 'alice', password: 'secret' }] },
    },
    access: { rules: [{ users: ['anonymous'], images: ['**'] }] },
  })

  test.each([
    ['that passes the challenge on', { ...ghcr, hosts: ['ghcr.io', 'lscr.io'] }],
    ['that redirects', linuxserverRedirecting],
  ])('are not used for lscr.io, %s', async (_, settings) => {
    const fake = createFakeRegistry({ ...settings, users: { alice: 'secret' } })
    fake.push('owner/name', 'latest', image, { isPrivate: true })
    const mirror = createTestMirror({ fetch: fake.fetch, config })
    expect((await mirror.get('/v2/ghcr.io/owner/name/manifests/latest')).status).toBe(200)
    const before = fake.calls.length
    const answer = await mirror.get('/v2/lscr.io/owner/name/manifests/latest')
    expect([answer.status, answer.code]).toEqual([403, 'DENIED'])
    const tokens = fake.calls.slice(before).filter(({ kind }) => kind === 'token')
    expect(tokens.map(({ headers }) => headers.get('authorization'))).toEqual([null])
    const blob = await mirror.get(`/v2/lscr.io/owner/name/blobs/${image.blobs[0]!.digest}`)
    expect(blob.status).toBe(403)
  })

  test.each(['https://lscr.io', 'https://lscr.io/v2'])(
    'of a gateway (%s) do not follow its redirect to another registry',
    async (url) => {
      const fake = createFakeRegistry({ ...linuxserverRedirecting, users: { alice: 'secret' } })
      fake.push('owner/name', 'latest', image, { isPrivate: true })
      const own = { endpoints: [{ url, username: 'alice', password: 'secret' }] }
      const mirror = createTestMirror({
        fetch: fake.fetch,
        config: JSON.stringify({ upstreams: { 'lscr.io': own } }),
      })
      const answer = await mirror.get('/v2/lscr.io/owner/name/manifests/latest')
      expect([answer.status, answer.code]).toEqual([403, 'DENIED'])
      const atGhcr = fake.calls.filter(({ url: called }) => called.host === 'ghcr.io')
      expect(atGhcr.length).toBeGreaterThan(0)
      for (const { headers } of atGhcr) {
        expect(headers.get('authorization') ?? '').not.toMatch(/^Basic/)
      }
    },
  )
})

/** Another registry behind a redirect may have a realm of its own, but not use ours. */
describe('a redirect to another registry that wants a token', () => {
  const strangers = [
    ['its own realm', 'https://auth.other.test/token', 200],
    ['the endpoint’s realm', 'https://auth.registry.test/token', 403],
    ['a third one’s realm', 'https://auth.third.test/token', 403],
    ['a private address', 'https://10.0.0.9/token', 403],
  ] as const

  test.each(strangers)('%s', async (_, wanted, status) => {
    const lines = [`Bearer realm="${wanted}",service="other"`]
    const fake = createFakeRegistry({
      fronts: [
        { host: 'registry.test', status: 307, location: 'https://other.test/v2/its/own/{rest}' },
      ],
      hosts: ['other.test'],
      repositoryPrefix: 'its/own/',
      challenge: { ping: lines, repository: lines },
      token: { realm: wanted },
      users: { alice: 'secret' },
    })
    fake.push('owner/name', 'latest', image)
    const own = {
      endpoints: [{ url: 'https://registry.test', username: 'alice', password: 'secret' }],
    }
    const config = JSON.stringify({ upstreams: { 'registry.test': own } })
    const mirror = createTestMirror({ fetch: fake.fetch, config })
    const answer = await mirror.get('/v2/registry.test/owner/name/manifests/latest')
    expect(answer.status).toBe(status)
    const tokens = fake.calls.filter(({ kind }) => kind === 'token')
    expect(tokens.map(({ headers }) => headers.get('authorization'))).toEqual(
      status === 200 ? [null] : [],
    )
    for (const { url } of tokens) {
      expect(url.searchParams.getAll('scope')).toEqual(['repository:its/own/owner/name:pull'])
    }
  })
})
