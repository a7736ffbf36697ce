import { parseConfig } from '@pullway/core/config'
import type { Config, UpstreamConfig } from '@pullway/core/config'
import { describe, expect, test } from 'vitest'

const parse = (text: string): Config => parseConfig(text, { file: 'pullway.yaml', environment: {} })

const upstream = (text: string, name: string): UpstreamConfig | undefined =>
  parse(`upstreams:\n${text}`).upstreams.get(name)

const defaultsOf = ({ upstreams }: Config): string[] =>
  [...upstreams.values()].filter(({ isDefault }) => isDefault).map(({ name }) => name)

describe('built-in registries', () => {
  test.each([
    ['docker.io', 'https://registry-1.docker.io/v2', [], 'library'],
    ['ghcr.io', 'https://ghcr.io/v2', [], undefined],
    ['quay.io', 'https://quay.io/v2', [], undefined],
    ['gcr.io', 'https://gcr.io/v2', [], undefined],
    ['registry.k8s.io', 'https://registry.k8s.io/v2', [], undefined],
    ['k8s.gcr.io', 'https://k8s.gcr.io/v2', [], undefined],
    ['nvcr.io', 'https://nvcr.io/v2', ['authn.nvidia.com'], undefined],
    ['mcr.microsoft.com', 'https://mcr.microsoft.com/v2', [], undefined],
    ['public.ecr.aws', 'https://public.ecr.aws/v2', [], undefined],
    ['docker.elastic.co', 'https://docker.elastic.co/v2', [], undefined],
    ['registry.gitlab.com', 'https://registry.gitlab.com/v2', [], undefined],
    ['lscr.io', 'https://lscr.io/v2', ['ghcr.io'], undefined],
  ])('%s', (name, url, realmHosts, officialNamespace) => {
    const found = parse('').upstreams.get(name)
    expect(found).toMatchObject({
      name,
      realmHosts,
      officialNamespace,
      isDefault: name === 'docker.io',
    })
    expect(found?.endpoints).toEqual([{ url, credentials: undefined, accounts: [] }])
    expect(found?.hosts).toContain(name)
  })

  test('Docker Hub has three hosts and the search', () => {
    expect(parse('').upstreams.get('docker.io')).toMatchObject({
      hosts: ['docker.io', 'index.docker.io', 'registry-1.docker.io'],
      search: 'https://index.docker.io',
    })
  })

  test('keep what the document does not change', () => {
    expect(upstream('  docker.io: { aliases: [hub] }', 'docker.io')).toMatchObject({
      aliases: ['hub'],
      isDefault: true,
      officialNamespace: 'library',
      endpoints: [{ url: 'https://registry-1.docker.io/v2' }],
    })
  })

  test('go when they are not enabled', () => {
    const { upstreams } = parse('upstreams: { ghcr.io: { enabled: false } }')
    expect(upstreams.has('ghcr.io')).toBe(false)
    expect(upstreams.size).toBe(11)
  })

  test('leave their hosts to others when they are not enabled', () => {
    const text = '  docker.io: { enabled: false }\n  hub.example.com: { hosts: [docker.io] }'
    expect(upstream(text, 'hub.example.com')?.hosts).toEqual(['hub.example.com', 'docker.io'])
  })
})

describe('names', () => {
  test.each([
    ['docker.io', 'docker.io'],
    ['index.docker.io', 'docker.io'],
    ['registry-1.docker.io', 'docker.io'],
    ['GHCR.io', 'ghcr.io'],
    ['registry.example.com', 'registry.example.com'],
    ['registry.example.com:5000', 'registry.example.com:5000'],
    ['harbor:5000', 'harbor:5000'],
    ['localhost', 'localhost'],
    ['10.0.0.5:5000', '10.0.0.5:5000'],
    ['"[fd00::5]:5000"', '[fd00::5]:5000'],
    ['bücher.example', 'xn--bcher-kva.example'],
  ])('%s is %s', (key, name) => {
    expect(upstream(`  ${key}: {}`, name)?.name).toBe(name)
  })

  test('the document decides the order', () => {
    const { upstreams } = parse('upstreams: { b.example: , quay.io: , a.example: }')
    expect([...upstreams.keys()].slice(0, 4)).toEqual([
      'b.example',
      'quay.io',
      'a.example',
      'docker.io',
    ])
  })

  test.each([
    ['registry.example.com', ['registry.example.com']],
    ['registry.example.com:5000', []],
    ['10.0.0.5', []],
    ['"[fd00::5]:5000"', []],
    ['localhost', []],
  ])('own hosts of %s: %j, so that it does not take the mirror’s own', (key, hosts) => {
    expect(upstream(`  ${key}:`, key.replaceAll('"', ''))?.hosts).toEqual(hosts)
  })

  test('hosts are lower case and without doubles', () => {
    const found = upstream(
      '  docker.io: { hosts: [Docker.Mirror.example, docker.io] }',
      'docker.io',
    )
    expect(found?.hosts.slice(3)).toEqual(['docker.mirror.example'])
  })

  test('trusted hosts keep their port', () => {
    const text =
      '  quay.io: { trustedHosts: [CDN.example, "cdn.example:8443", 10.0.0.7, "[::1]:80"] }'
    const expected = ['cdn.example', 'cdn.example:8443', '10.0.0.7', '[::1]:80']
    expect(upstream(text, 'quay.io')?.trustedHosts).toEqual(expected)
  })
})

describe('the default', () => {
  test.each([
    ['', ['docker.io']],
    ['upstreams: { quay.io: { default: true } }', ['quay.io']],
    ['upstreams: { docker.io: { default: false } }', []],
    ['upstreams: { docker.io: { enabled: false } }', []],
    ['upstreams: { docker.io: { enabled: false }, r.example: { default: true } }', ['r.example']],
    ['upstreams: { docker.io: { default: true } }', ['docker.io']],
  ])('%s', (text, expected) => {
    expect(defaultsOf(parse(text))).toEqual(expected)
  })
})

describe('endpoints', () => {
  test.each([
    ['https://h.example', 'https://h.example/v2'],
    ['https://h.example/', 'https://h.example/v2'],
    ['HTTPS://H.example:443', 'https://h.example/v2'],
    ['http://h.example:5000', 'http://h.example:5000/v2'],
    ['https://h.example/p', 'https://h.example/p/v2'],
    ['https://h.example/p/q//', 'https://h.example/p/q/v2'],
    ['https://h.example/v2', 'https://h.example/v2'],
    ['https://h.example/v2/', 'https://h.example/v2'],
    ['https://h.example/v2/proj', 'https://h.example/v2/proj'],
    ['https://h.example/hub/v2/proj/', 'https://h.example/hub/v2/proj'],
    ['https://h.example/v2proj', 'https://h.example/v2proj/v2'],
    ['http://[fd00::5]:5000', 'http://[fd00::5]:5000/v2'],
  ])('%s is %s', (url, root) => {
    const found = upstream(`  r.example: { endpoints: [{ url: "${url}" }] }`, 'r.example')
    expect(found?.endpoints).toEqual([{ url: root, credentials: undefined, accounts: [] }])
  })

  test('one that is not built in is reached at its name', () => {
    expect(upstream('  r.example:5000:', 'r.example:5000')).toEqual({
      blobs: 'auto',
      name: 'r.example:5000',
      isDefault: false,
      aliases: [],
      hosts: [],
      endpoints: [{ url: 'https://r.example:5000/v2', credentials: undefined, accounts: [] }],
      trustedHosts: [],
      realmHosts: [],
      officialNamespace: undefined,
      search: undefined,
      failoverOn: new Set(),
      quotaFloor: 0,
      clientCredentials: 'ignore',
      images: { allow: undefined, deny: [], message: undefined },
    })
  })

  test.each([
    ['$oauthtoken', 'nvapi-1'],
    ['robot$name', '$$ecret$'],
    ['0123', '0x10'],
    ['yes', '1e3'],
    ['null-user', '"null"'],
  ])('credentials stay as they are written: %s', (username, password) => {
    const text = `  nvcr.io:\n    endpoints:\n      - { url: https://nvcr.io, username: ${username}, password: ${password} }`
    expect(upstream(text, 'nvcr.io')?.endpoints[0]?.credentials).toEqual({
      username,
      password: password.replaceAll('"', ''),
    })
  })

  test('may have several accounts; one whose variables are not set is none', () => {
    const text = [
      '  docker.io:',
      '    failoverOn: [not-found]',
      '    quotaFloor: 10',
      '    endpoints:',
      '      - url: https://registry-1.docker.io',
      '        username: a',
      '        password: 1',
      '        accounts:',
      '          - { username: b, password: 2 }',
      '          - { username: "", password: "" }',
      '          - { username: c, password: 3 }',
    ].join('\n')
    const found = upstream(text, 'docker.io')
    expect(found?.endpoints).toEqual([
      {
        url: 'https://registry-1.docker.io/v2',
        credentials: { username: 'a', password: '1' },
        accounts: [
          { username: 'b', password: '2' },
          { username: 'c', password: '3' },
        ],
      },
    ])
    expect([found?.failoverOn, found?.quotaFloor]).toEqual([new Set(['not-found']), 10])
  })

  test('keep their order', () => {
    const text =
      '  docker.io:\n    endpoints: [{ url: https://a.example }, { url: https://b.example/x }]'
    expect(upstream(text, 'docker.io')?.endpoints.map(({ url }) => url)).toEqual([
      'https://a.example/v2',
      'https://b.example/x/v2',
    ])
  })
})
