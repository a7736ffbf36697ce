import { describe, expect, test } from 'vitest'
import { createTestMirror } from '../fakes/mirror.ts'
import {
  buildImage,
  createFakeRegistry,
  type FakeRegistry,
  type Settings,
} from '../fakes/registry/index.ts'
import { dockerHub } from '../fakes/registry/profiles/docker-hub.ts'
import { ghcr } from '../fakes/registry/profiles/ghcr.ts'
import { artifactRegistry, gcr } from '../fakes/registry/profiles/google.ts'
import { elastic, gitlab, linuxserver, nvidia } from '../fakes/registry/profiles/others.ts'
import { quay } from '../fakes/registry/profiles/quay.ts'

interface PrivateRow {
  readonly what: string
  readonly settings: Settings
  readonly endpoint: string
  readonly username: string
}

/** User names as the registries want them: registries.md, sections 2 to 15. */
const rows: readonly PrivateRow[] = [
  { what: 'docker.io', settings: dockerHub, endpoint: 'registry-1.docker.io', username: 'alice' },
  { what: 'ghcr.io', settings: ghcr, endpoint: 'ghcr.io', username: 'alice' },
  { what: 'quay.io', settings: quay, endpoint: 'quay.io', username: 'org+robot' },
  { what: 'gcr.io', settings: gcr, endpoint: 'gcr.io', username: '_json_key' },
  {
    what: 'us-docker.pkg.dev',
    settings: artifactRegistry,
    endpoint: 'us-docker.pkg.dev',
    username: 'oauth2accesstoken',
  },
  { what: 'nvcr.io', settings: nvidia, endpoint: 'nvcr.io', username: '$oauthtoken' },
  {
    what: 'docker.elastic.co',
    settings: elastic,
    endpoint: 'docker.elastic.co',
    username: 'alice',
  },
  {
    what: 'registry.gitlab.com',
    settings: gitlab,
    endpoint: 'registry.gitlab.com',
    username: 'gitlab+deploy-token-1',
  },
  { what: 'lscr.io', settings: linuxserver, endpoint: 'lscr.io', username: 'alice' },
  {
    what: '1234.dkr.ecr.eu-west-2.amazonaws.com',
    settings: {
      hosts: ['1234.dkr.ecr.eu-west-2.amazonaws.com'],
      access: 'basic',
      challenge: {
        ping: [
          'Basic realm="https://1234.dkr.ecr.eu-west-2.amazonaws.com/",service="ecr.amazonaws.com"',
        ],
        repository: [
          'Basic realm="https://1234.dkr.ecr.eu-west-2.amazonaws.com/",service="ecr.amazonaws.com"',
        ],
        answer: { status: 401, contentType: 'text/plain', body: 'Not Authorized\n' },
      },
      unknownRepository: { status: 401, contentType: 'text/plain', body: 'Not Authorized\n' },
      manifests: { digestHeader: 'head-only' },
      blobs: {
        hops: [
          {
            status: 307,
            location:
              'https://prod-eu-west-2-starport-layer-bucket.s3.eu-west-2.amazonaws.com/1/{hex}?X-Amz-Signature={serial}',
            body: 'empty',
          },
        ],
      },
    },
    endpoint: '1234.dkr.ecr.eu-west-2.amazonaws.com',
    username: 'AWS',
  },
  {
    what: 'harbor.example.com',
    settings: {
      hosts: ['harbor.example.com'],
      challenge: {
        ping: ['Bearer realm="https://harbor.example.com/service/token",service="harbor-registry"'],
        repository: [
          'Bearer realm="https://harbor.example.com/service/token",service="harbor-registry",scope="repository:{name}:pull"',
        ],
      },
      token: {
        realm: 'https://harbor.example.com/service/token',
        fields: ['token', 'expires_in', 'issued_at'],
      },
      headers: { 'set-cookie': ['sid=1; Path=/; HttpOnly', '_gorilla_csrf=2'] },
    },
    endpoint: 'harbor.example.com',
    username: 'robot$name',
  },
  {
    what: 'myregistry.azurecr.io',
    settings: {
      hosts: ['myregistry.azurecr.io'],
      challenge: {
        ping: [
          'Bearer realm="https://myregistry.azurecr.io/oauth2/token",service="myregistry.azurecr.io",error="invalid_token"',
        ],
        repository: [
          'Bearer realm="https://myregistry.azurecr.io/oauth2/token",service="myregistry.azurecr.io",scope="repository:{name}:metadata_read"',
        ],
        insufficient: ',error="invalid_token"',
      },
      token: { realm: 'https://myregistry.azurecr.io/oauth2/token', fields: ['access_token'] },
      blobs: {
        hops: [
          {
            status: 307,
            location:
              'https://myregistry.westeurope.data.azurecr.io/?se=1&d={digest}&sig={serial}%3D&k=a/b',
            body: 'empty',
          },
        ],
      },
      headers: {
        'strict-transport-security': ['max-age=31536000', 'max-age=31536000'],
        'access-control-expose-headers': ['Docker-Content-Digest', 'WWW-Authenticate', 'Link'],
      },
    },
    endpoint: 'myregistry.azurecr.io',
    username: '00000000-0000-0000-0000-000000000000',
  },
]

/** Without it, only the public ones: test/pull/private.test.ts. */
const access = { rules: [{ users: ['anonymous'], images: ['**'] }] }
const image = buildImage({ seed: 11 })
const password = 'pa:ss"wörd'

function basic(text: string): string {
  return `Basic ${Buffer.from(text).toString('base64')}`
}

describe.each(rows)('$what', ({ what, settings, endpoint, username }) => {
  const path = `/v2/${what}/owner/secret`

  function makeFake(): FakeRegistry {
    const fake = createFakeRegistry({ ...settings, users: { [username]: password } })
    fake.push('owner/secret', 'latest', image, { isPrivate: true })
    return fake
  }

  function configWith(givenPassword: string): string {
    const credentials = { url: `https://${endpoint}`, username, password: givenPassword }
    // YAML reads JSON.
    return JSON.stringify({ upstreams: { [what]: { endpoints: [credentials] } }, access })
  }

  test('without credentials', async () => {
    const fake = makeFake()
    const mirror = createTestMirror({ fetch: fake.fetch, config: `upstreams: { ${what}: {} }` })
    const answer = await mirror.get(`${path}/manifests/latest`)
    expect([answer.status, answer.code]).toEqual([403, 'DENIED'])
    expect(answer.message).toContain(what)
    const blob = await mirror.get(`${path}/blobs/${image.blobs[0]!.digest}`)
    expect(blob.status).toBe(403)
  })

  test('with the operator’s credentials', async () => {
    const fake = makeFake()
    const mirror = createTestMirror({ fetch: fake.fetch, config: configWith(password) })
    for (const content of [...image.manifests, ...image.blobs]) {
      const kind = image.blobs.includes(content) ? 'blobs' : 'manifests'
      const answer = await mirror.get(`${path}/${kind}/${content.digest}`)
      expect(answer.status, kind).toBe(200)
      expect(Buffer.compare(answer.bytes, content.bytes)).toBe(0)
    }
    const asBasic = basic(`${username}:${password}`)
    for (const { kind, headers, line } of fake.calls) {
      const authorization = headers.get('authorization')
      if (kind === 'token') expect(authorization, line).toBe(asBasic)
      else if (kind === 'blob-host' && !line.includes(endpoint)) expect(authorization).toBeNull()
      else if (settings.access === 'basic') expect([asBasic, null]).toContain(authorization)
      else expect(authorization ?? 'Bearer', line).toMatch(/^Bearer/)
    }
    expect(mirror.logged.join('\n')).not.toContain(password)
  })

  test('with wrong credentials', async () => {
    const fake = makeFake()
    const mirror = createTestMirror({ fetch: fake.fetch, config: configWith('hunter-2') })
    const answer = await mirror.get(`${path}/manifests/latest`)
    expect([answer.status, answer.code]).toEqual([403, 'DENIED'])
    expect(answer.headers.get('www-authenticate')).toBeNull()
    expect(answer.text).not.toContain('hunter-2')
  })
})

test('credentials that also see public images are asked for once', async () => {
  const fake = createFakeRegistry({ ...dockerHub, users: { alice: 'secret' } })
  fake.push('library/alpine', 'latest', image)
  const config =
    'upstreams: { docker.io: { endpoints: [{ url: https://registry-1.docker.io, username: alice, password: secret }] } }\n' +
    `access: ${JSON.stringify(access)}`
  const mirror = createTestMirror({ fetch: fake.fetch, config })
  await mirror.get('/v2/alpine/manifests/latest')
  await mirror.get(`/v2/alpine/blobs/${image.blobs[0]!.digest}`)
  const tokens = fake.calls.filter(({ kind }) => kind === 'token')
  expect(tokens.map(({ headers }) => headers.get('authorization'))).toEqual([basic('alice:secret')])
})
