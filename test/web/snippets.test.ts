import { parseConfig } from '@pullway/core/config'
import { describe, expect, test } from 'vitest'
import { toAddress } from '../../core/src/web/address.ts'
import {
  type Client,
  type Mirrored,
  pullExamples,
  writeSnippets,
} from '../../core/src/web/snippets.ts'

const builtIn = [...parseConfig('', { file: 'none', environment: {} }).upstreams.keys()]

/** YAML that leaves these upstreams, and no other built-in one. */
function only(upstreams: Readonly<Record<string, string>>): string {
  const others = builtIn.filter((name) => !(name in upstreams))
  return [
    'upstreams:',
    ...Object.entries(upstreams).map(([name, settings]) => `  ${name}: ${settings}`),
    ...others.map((name) => `  ${name}: { enabled: false }`),
  ].join('\n')
}

function mirrored(origin: string, config = '', hosted?: string): Mirrored {
  const parsed = parseConfig(config, { file: 'pullway.yaml', environment: {} })
  const upstreams = [...parsed.upstreams.values()]
  const fallback = upstreams.find(({ name, isDefault }) =>
    hosted === undefined ? isDefault : name === hosted,
  )
  return { address: toAddress(origin), upstreams, fallback }
}

function snippet(client: Client, of: Mirrored): string | undefined {
  return writeSnippets(of).find((one) => one.client === client)?.text
}

const hubAndGhcr = only({ 'docker.io': '{}', 'ghcr.io': '{}' })
const ghcrOnly = only({ 'ghcr.io': '{ default: true }' })
const noDefault = only({ 'docker.io': '{ default: false }', 'quay.io': '{}' })
const ours = only({ 'docker.io': '{}', '"ours.test:5000"': '{ aliases: [ours] }' })
const portOnly = only({ '"ours.test:5000"': '{ default: true }' })

describe('the images to try', () => {
  test.each<[string, string, string | undefined, readonly string[]]>([
    ['https://m.test', '', undefined, ['m.test/library/alpine', 'm.test/ghcr.io/owner/image']],
    [
      'http://127.0.0.1:5000',
      '',
      undefined,
      ['127.0.0.1:5000/library/alpine', '127.0.0.1:5000/ghcr.io/owner/image'],
    ],
    [
      'http://[::1]:5000',
      hubAndGhcr,
      undefined,
      ['[::1]:5000/library/alpine', '[::1]:5000/ghcr.io/owner/image'],
    ],
    // What has neither a dot nor a port is taken for a part of the repository's name.
    ['http://mirror', ghcrOnly, undefined, ['mirror:80/owner/image']],
    ['https://mirror', ghcrOnly, undefined, ['mirror:443/owner/image']],
    ['http://localhost', ghcrOnly, undefined, ['localhost/owner/image']],
    ['https://m.test:443', ghcrOnly, undefined, ['m.test/owner/image']],
    [
      'https://ghcr.m.test',
      hubAndGhcr,
      'ghcr.io',
      ['ghcr.m.test/owner/image', 'ghcr.m.test/docker.io/library/alpine'],
    ],
    ['https://m.test', noDefault, undefined, ['m.test/docker.io/library/alpine']],
    ['https://m.test', ours, undefined, ['m.test/library/alpine', 'm.test/ours/owner/image']],
    ['https://m.test', portOnly, undefined, ['m.test/owner/image']],
  ])('%s', (origin, config, hosted, images) => {
    expect(pullExamples(mirrored(origin, config, hosted))).toEqual(images)
  })
})

describe('daemon.json', () => {
  const mirrors = 'registry-mirrors'
  const insecure = 'insecure-registries'

  test.each<[string, string, string | undefined, unknown]>([
    ['https://m.test', '', undefined, { [mirrors]: ['https://m.test'] }],
    ['http://127.0.0.1:5000', '', undefined, { [mirrors]: ['http://127.0.0.1:5000'] }],
    ['http://localhost:5000', '', undefined, { [mirrors]: ['http://localhost:5000'] }],
    [
      'http://m.lan:5000',
      '',
      undefined,
      { [mirrors]: ['http://m.lan:5000'], [insecure]: ['m.lan:5000'] },
    ],
    ['http://mirror', '', undefined, { [mirrors]: ['http://mirror'], [insecure]: ['mirror:80'] }],
    // dockerd asks for Docker Hub's images without naming the registry.
    ['https://m.test', noDefault, undefined, { [mirrors]: ['https://m.test/docker.io'] }],
    ['https://g.test', hubAndGhcr, 'ghcr.io', { [mirrors]: ['https://g.test/docker.io'] }],
  ])('%s', (origin, config, hosted, expected) => {
    const text = snippet('docker', mirrored(origin, config, hosted))
    expect(JSON.parse(text ?? '')).toEqual(expected)
  })

  test('is left out where Docker Hub is not served', () => {
    expect(snippet('docker', mirrored('https://m.test', ghcrOnly))).toBeUndefined()
  })
})

test.each<[Client, string, readonly string[]]>([
  [
    'containerd',
    'https://m.test',
    ['[host."https://m.test"]', '  capabilities = ["pull", "resolve"]'],
  ],
  [
    'containerd',
    'http://mirror',
    ['[host."http://mirror"]', '  capabilities = ["pull", "resolve"]'],
  ],
  ['k3s', 'http://m.lan:5000', ['mirrors:', '  "*":', '    endpoint: ["http://m.lan:5000"]']],
  [
    'podman',
    'https://m.test',
    [
      '[[registry]]',
      'prefix = "docker.io"',
      'location = "docker.io"',
      '[[registry.mirror]]',
      'location = "m.test/docker.io"',
      '',
      '[[registry]]',
      'prefix = "ghcr.io"',
      'location = "ghcr.io"',
      '[[registry.mirror]]',
      'location = "m.test/ghcr.io"',
    ],
  ],
  [
    'buildkit',
    'http://m.lan:5000',
    [
      '[registry."docker.io"]',
      '  mirrors = ["m.lan:5000/docker.io"]',
      '',
      '[registry."ghcr.io"]',
      '  mirrors = ["m.lan:5000/ghcr.io"]',
      '',
      '[registry."m.lan:5000"]',
      '  http = true',
    ],
  ],
])('%s at %s', (client, origin, lines) => {
  expect(snippet(client, mirrored(origin, hubAndGhcr))).toBe(lines.join('\n'))
})

test('podman is told of plain http at each mirror', () => {
  const text = snippet('podman', mirrored('http://127.0.0.1:5000')) ?? ''
  expect(text.match(/^insecure = true$/gm)).toHaveLength(builtIn.length)
})

test('a registry with a port is mirrored under its alias, and left out without one', () => {
  expect(snippet('podman', mirrored('https://m.test', ours))).toContain(
    [
      'prefix = "ours.test:5000"',
      'location = "ours.test:5000"',
      '[[registry.mirror]]',
      'location = "m.test/ours"',
    ].join('\n'),
  )
  expect(snippet('podman', mirrored('https://m.test', portOnly))).toBeUndefined()
  expect(snippet('buildkit', mirrored('http://m.test', portOnly))).toBeUndefined()
})
