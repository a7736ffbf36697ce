import { parseConfig, builtInRegistries, defaultConfig } from '@pullway/core/config'
import type { Config } from '@pullway/core/config'
import { describe, expect, test } from 'vitest'

const parse = (text: string): Config => parseConfig(text, { file: 'pullway.yaml', environment: {} })

describe('defaults', () => {
  test.each([
    ['an empty document', ''],
    ['comments alone', '# nothing\n\n'],
    ['null', '~'],
    ['an empty mapping', '{}'],
    ['keys without values', 'listen:\nupstreams:\ncache:\n  blobs:\nlog:\ntimeouts:\n'],
    ['empty texts', 'listen: ""\npublicUrl: ""\n'],
    ['a byte order mark', '\uFEFF# saved by an editor'],
  ])('%s', (_, text) => {
    expect(parse(text)).toEqual(defaultConfig())
  })

  test('are those of the contract', () => {
    // test/config/access.test.ts has those of access and limits.
    const { upstreams, access, limits, ...rest } = defaultConfig()
    expect(Object.keys({ ...access, ...limits }).length).toBeGreaterThan(0)
    expect([...upstreams.keys()]).toEqual(builtInRegistries.map(({ name }) => name))
    expect(rest).toEqual({
      listen: { host: '127.0.0.1', port: 5000 },
      publicUrl: undefined,
      trustedProxies: [],
      cache: {
        blobs: { driver: 'filesystem', path: './data' },
        state: { driver: 'filesystem' },
        tags: { freshForSeconds: 60, staleForSeconds: 2_592_000 },
        serveStaleOn: new Set(['rate-limited', 'server-error', 'timeout', 'unreachable']),
      },
      timeouts: { connectMs: 5000, firstByteMs: 10_000, idleMs: 30_000, answerMs: 14_000 },
      shutdown: { drainMs: 0, finishMs: 30_000 },
      push: { enabled: false },
      log: { format: 'main', level: 'info' },
    })
  })
})

test.each<[string, (config: Config) => unknown, unknown]>([
  ['listen: 0.0.0.0:80', ({ listen }) => listen, { host: '0.0.0.0', port: 80 }],
  ['listen: "[::1]:5000"', ({ listen }) => listen, { host: '::1', port: 5000 }],
  ['listen: ":5000"', ({ listen }) => listen, { host: '::', port: 5000 }],
  ['listen: LOCALHOST:0', ({ listen }) => listen, { host: 'localhost', port: 0 }],
  [
    'publicUrl: HTTPS://Mirror.Example.com/',
    ({ publicUrl }) => publicUrl,
    'https://mirror.example.com',
  ],
  ['publicUrl: http://[::1]:5000', ({ publicUrl }) => publicUrl, 'http://[::1]:5000'],
  [
    'trustedProxies: [127.0.0.1, 10.0.0.0/8, FD00::/8, "::1"]',
    ({ trustedProxies }) => trustedProxies,
    ['127.0.0.1/32', '10.0.0.0/8', 'fd00::/8', '::1/128'],
  ],
  ['cache: { blobs: { driver: none } }', ({ cache }) => cache.blobs, { driver: 'none' }],
  ['cache: { blobs: { driver: none } }', ({ cache }) => cache.state, { driver: 'memory' }],
  [
    'cache: { blobs: { driver: memory, maxSize: 1.5GiB } }',
    ({ cache }) => cache.blobs,
    { driver: 'memory', maxBytes: 1_610_612_736 },
  ],
  [
    'cache: { blobs: { path: /var/cache } }',
    ({ cache }) => cache.blobs,
    { driver: 'filesystem', path: '/var/cache' },
  ],
  [
    'cache: { blobs: { maxSize: 50GiB } }',
    ({ cache }) => cache.blobs,
    { driver: 'filesystem', path: './data', maxBytes: 53_687_091_200 },
  ],
  ['cache: { state: { driver: memory } }', ({ cache }) => cache.state, { driver: 'memory' }],
  [
    'cache: { tags: { freshFor: 500ms, staleFor: 2h } }',
    ({ cache }) => cache.tags,
    { freshForSeconds: 0.5, staleForSeconds: 7200 },
  ],
  ['cache: { tags: { freshFor: 0s, staleFor: 0s } }', ({ cache }) => cache.tags.freshForSeconds, 0],
  ['cache: { serveStaleOn: [] }', ({ cache }) => cache.serveStaleOn, new Set()],
  [
    'cache: { serveStaleOn: [not-found] }',
    ({ cache }) => cache.serveStaleOn,
    new Set(['not-found']),
  ],
  [
    'timeouts: { connect: 1s, firstByte: 2s, idle: 5m, answer: 13s }',
    ({ timeouts }) => timeouts,
    { connectMs: 1000, firstByteMs: 2000, idleMs: 300_000, answerMs: 13_000 },
  ],
  ['log: { format: json, level: warn }', ({ log }) => log, { format: 'json', level: 'warn' }],
  ['{"$schema": "./x.json", "log": {"level": "error"}}', ({ log }) => log.level, 'error'],
  [
    '{\n\t"cache": {\n\t\t"blobs": {"driver": "none", "path": null}\n\t}\n}',
    ({ cache }) => cache.blobs.driver,
    'none',
  ],
  [
    'shutdown: { drain: 5s, finish: 0s }',
    ({ shutdown }) => shutdown,
    { drainMs: 5000, finishMs: 0 },
  ],
  ['timeouts: { connect: &one 1s, idle: *one }', ({ timeouts }) => timeouts.idleMs, 1000],
])('%s', (text, pick, expected) => {
  expect(pick(parse(text))).toEqual(expected)
})

test.each([
  ['1B', 'maxSize: 1048576B', 1_048_576],
  ['KiB', 'maxSize: 2048KiB', 2_097_152],
  ['MiB', 'maxSize: 1MiB', 1_048_576],
  ['TiB', 'maxSize: 2TiB', 2_199_023_255_552],
  ['KB', 'maxSize: 2000KB', 2_000_000],
  ['MB', 'maxSize: 2MB', 2_000_000],
  ['GB with a space', 'maxSize: 50 GB', 50_000_000_000],
  ['TB', 'maxSize: 1TB', 1_000_000_000_000],
])('the size unit %s', (_, maxSize, maxBytes) => {
  const { cache } = parse(`cache: { blobs: { driver: memory, ${maxSize} } }`)
  expect(cache.blobs).toEqual({ driver: 'memory', maxBytes })
})
