import { describe, expect, test } from 'vitest'
import { parseConfig } from '@pullway/core/config'
import type { Config } from '@pullway/core/config'

function parse(text: string): Config {
  return parseConfig(text, { file: 'pullway.yaml', environment: { KEY: 'k'.repeat(32) } })
}

test('without access and limits everything is open', () => {
  const { access, limits, push } = parse('')
  expect(access).toEqual({
    networks: { allow: [], deny: [] },
    userAgents: { deny: [] },
    images: { allow: undefined, deny: [], message: undefined },
    users: undefined,
    rules: [],
    admins: [],
  })
  expect(limits).toEqual({
    requests: undefined,
    connections: undefined,
    bandwidthBytesPerSecond: undefined,
  })
  expect(push).toEqual({ enabled: false })
})

test('all of access', () => {
  const { access } = parse(`
access:
  networks: { allow: [10.0.0.0/8, "FD00::/8", 192.0.2.1], deny: ["::1"] }
  userAgents: { deny: [BadBot, curl/] }
  images: { allow: ["library/*", "ghcr.io/**"], deny: ["nginx:1.19"], message: ask us first }
  users: { htpasswd: ./htpasswd, entries: ["bob:$2y$05$abc"], anonymous: true, tokenKey: "\${KEY}" }
  rules:
    - { users: [alice, bob], images: ["**"] }
    - { users: [anonymous], deny: ["ghcr.io/ours/**"], message: log in }
    - { users: ["*"], images: ["docker.io/library/*:v?.*"] }
  admins: [alice]
`)
  expect(access).toEqual({
    networks: { allow: ['10.0.0.0/8', 'fd00::/8', '192.0.2.1/32'], deny: ['::1/128'] },
    userAgents: { deny: ['badbot', 'curl/'] },
    images: {
      allow: ['docker.io/library/*', 'ghcr.io/**'],
      deny: ['docker.io/library/nginx:1.19'],
      message: 'ask us first',
    },
    users: {
      htpasswd: './htpasswd',
      entries: ['bob:$2y$05$abc'],
      anonymous: true,
      tokenKey: 'k'.repeat(32),
    },
    rules: [
      { users: ['alice', 'bob'], images: ['**'], effect: 'allow', message: undefined },
      { users: ['anonymous'], images: ['ghcr.io/ours/**'], effect: 'deny', message: 'log in' },
      {
        users: ['*'],
        images: ['docker.io/library/*:v?.*'],
        effect: 'allow',
        message: undefined,
      },
    ],
    admins: ['alice'],
  })
})

describe('a pattern of access.images', () => {
  const upstreams =
    'upstreams: { docker.io: { aliases: [hub] }, "r.example:5000": { aliases: [ours] } }'
  test.each([
    ['nginx', 'docker.io/library/nginx'],
    ['nginx:1.*', 'docker.io/library/nginx:1.*'],
    ['ngin*', 'docker.io/library/ngin*'],
    ['library/*', 'docker.io/library/*'],
    ['bitnami/redis', 'docker.io/bitnami/redis'],
    ['docker.io/nginx', 'docker.io/library/nginx'],
    ['docker.io/*', 'docker.io/library/*'],
    ['docker.io/**', 'docker.io/**'],
    ['docker.io/**:latest', 'docker.io/**:latest'],
    ['Docker.IO/library/nginx', 'docker.io/library/nginx'],
    ['index.docker.io/library/nginx', 'docker.io/library/nginx'],
    ['registry-1.docker.io/nginx', 'docker.io/library/nginx'],
    ['hub/library/nginx', 'docker.io/library/nginx'],
    ['hub/nginx:1.19', 'docker.io/library/nginx:1.19'],
    ['ghcr.io/owner/image:V1', 'ghcr.io/owner/image:V1'],
    ['ghcr.io/a__b/c--d/e.f', 'ghcr.io/a__b/c--d/e.f'],
    ['r.example:5000/team/**', 'r.example:5000/team/**'],
    ['ours/team/app:1', 'r.example:5000/team/app:1'],
    ['"**"', '**'],
    ['"**:latest"', '**:latest'],
    ['"**/nginx"', '**/nginx'],
    ['"*.gcr.io/**"', '*.gcr.io/**'],
    ['"registry.k8s.io/k*/?"', 'registry.k8s.io/k*/?'],
  ])('%s is %s', (given, pattern) => {
    const { access } = parse(`${upstreams}\naccess: { images: { deny: [${given}] } }`)
    expect(access.images.deny).toEqual([pattern])
  })

  test('names a registry that is not enabled', () => {
    const { access } = parse(
      'upstreams: { quay.io: { enabled: false } }\naccess: { images: { deny: [quay.io/**] } }',
    )
    expect(access.images.deny).toEqual(['quay.io/**'])
  })

  test('means the default upstream where it names none', () => {
    const { access } = parse(
      'upstreams: { r.example: { default: true } }\naccess: { images: { deny: [nginx, a/b] } }',
    )
    expect(access.images.deny).toEqual(['r.example/nginx', 'r.example/a/b'])
  })
})

test.each([
  ['nginx', 'library/nginx'],
  ['"*"', 'library/*'],
  ['library/*', 'library/*'],
  ['"**"', '**'],
  ['bitnami/redis:7*', 'bitnami/redis:7*'],
])('a pattern of an upstream: %s is %s', (given, pattern) => {
  const { upstreams } = parse(
    `upstreams: { docker.io: { images: { allow: [${given}], message: no } } }`,
  )
  const images = { allow: [pattern], deny: [], message: 'no' }
  expect(upstreams.get('docker.io')?.images).toEqual(images)
})

test('an upstream without official images takes names as they are', () => {
  const { upstreams } = parse(
    'upstreams: { ghcr.io: { images: { deny: [a, "*"] }, clientCredentials: relay } }\npush: { enabled: true }',
  )
  expect(upstreams.get('ghcr.io')).toMatchObject({
    images: { allow: undefined, deny: ['a', '*'], message: undefined },
    clientCredentials: 'relay',
  })
})

test.each([
  ['requests: { rate: 10/s, burst: 40 }', { requests: { perSecond: 10, burst: 40 } }],
  ['requests: { rate: 10/s }', { requests: { perSecond: 10, burst: 20 } }],
  ['requests: { rate: 600/m }', { requests: { perSecond: 10, burst: 20 } }],
  ['requests: { rate: 36/h }', { requests: { perSecond: 0.01, burst: 20 } }],
  ['requests: { rate: 100 / s }', { requests: { perSecond: 100, burst: 200 } }],
  ['requests: { rate: 0.5/s, burst: 1 }', { requests: { perSecond: 0.5, burst: 1 } }],
  ['connections: 10', { connections: 10 }],
  ['bandwidth: 20MiB/s', { bandwidthBytesPerSecond: 20 * 1024 * 1024 }],
  ['bandwidth: 1.5 MB / s', { bandwidthBytesPerSecond: 1_500_000 }],
])('limits: %s', (given, limits) => {
  const open = { requests: undefined, connections: undefined, bandwidthBytesPerSecond: undefined }
  expect(parse(`limits: { ${given} }`).limits).toEqual({ ...open, ...limits })
})
