import { ConfigError } from '@pullway/core/config'
import { expect, test } from 'vitest'
import { mistakesOf } from './mistakes-of.ts'

const upstream = (line: string): string => `upstreams:\n  r.example:\n    ${line}`
const at = (key: string): string => `upstreams.r.example.${key}`

test.each<[text: string, line: number, key: string, message: RegExp]>([
  // Keys
  ['\nlistn: 1:1', 2, 'listn', /did you mean "listen"\?/],
  ['Listen: 1.1.1.1:1', 1, 'Listen', /did you mean "listen"\?/],
  ['cache:\n  tags: { freshfor: 1s }', 2, 'cache.tags.freshfor', /did you mean "freshFor"\?/],
  ['timeouts:\n\n  firstbite: 1s', 3, 'timeouts.firstbite', /did you mean "firstByte"\?/],
  ['color: red', 1, 'color', /known here: .*listen, publicUrl/],
  [upstream('endpoint: []'), 3, at('endpoint'), /did you mean "endpoints"\?/],
  [
    upstream('endpoints: [{ uri: x, url: https://h.example }]'),
    3,
    at('endpoints[0].uri'),
    /did you mean "url"\?/,
  ],
  ['listen: :1\nlisten: :2', 2, 'listen', /is there twice/],
  ['"a\\nb": 1', 1, String.raw`"a\nb"`, /is not a known key/],
  // Keys of later versions
  ['tls: { cert: a, key: b }', 1, 'tls', /not supported by this version/],
  [
    'cache:\n  blobs: { driver: r2 }',
    2,
    'cache.blobs.driver',
    /not supported by this version: it must be filesystem, s3, memory or none/,
  ],
  ['cache: { blobs: { driver: r2 } }', 1, 'cache.blobs.driver', /not supported by this version/],
  ['cache: { state: { driver: kv } }', 1, 'cache.state.driver', /not supported by this version/],
  ['cache: { state: { driver: kv } }', 1, 'cache.state.driver', /not supported by this version/],
  ['cache: { blobs: { maxSize: 50G } }', 1, 'cache.blobs.maxSize', /unit of size/],
  ['cache: { blobs: { maxSize: 0GiB } }', 1, 'cache.blobs.maxSize', /from 1MiB/],
  ['cache: { blobs: { maxSize: -1GiB } }', 1, 'cache.blobs.maxSize', /unit of size/],
  // Types and words
  ['listen: [a]', 1, 'listen', /a single value/],
  ['listen: { host: a }', 1, 'listen', /a single value/],
  ['trustedProxies: 10.0.0.0/8', 1, 'trustedProxies', /must be a list/],
  ['upstreams: [docker.io]', 1, 'upstreams', /must be a mapping/],
  ['cache: none', 1, 'cache', /must be a mapping/],
  [upstream('endpoints: https://h.example'), 3, at('endpoints'), /must be a list/],
  [upstream('endpoints: [https://h.example]'), 3, at('endpoints[0]'), /must be a mapping/],
  [upstream('hosts:\n      - a.example\n      -'), 5, at('hosts[1]'), /is empty/],
  [upstream('enabled: yes'), 3, at('enabled'), /must be true or false/],
  ['log: { level: warning }', 1, 'log.level', /info, warn or error/],
  ['log: { level: wran }', 1, 'log.level', /did you mean "warn"\?/],
  [
    'cache: { serveStaleOn: [timeout, rate_limited] }',
    1,
    'cache.serveStaleOn[1]',
    /did you mean "rate-limited"\?/,
  ],
  // Single values
  ['listen: 5000', 1, 'listen', /must be host:port/],
  ['listen: 127.0.0.1:70000', 1, 'listen', /must be host:port/],
  ['publicUrl: mirror.example.com', 1, 'publicUrl', /https:\/\//],
  ['publicUrl: https://h.example/path', 1, 'publicUrl', /without a path/],
  ['trustedProxies: [10.0.0.0/33]', 1, 'trustedProxies[0]', /CIDR/],
  ['trustedProxies: [10.0/8]', 1, 'trustedProxies[0]', /CIDR/],
  ['trustedProxies: ["::1/129"]', 1, 'trustedProxies[0]', /CIDR/],
  ['trustedProxies: ["fe80::1%eth0"]', 1, 'trustedProxies[0]', /CIDR/],
  ['trustedProxies: [proxy.example]', 1, 'trustedProxies[0]', /CIDR/],
  ['cache: { tags: { freshFor: 60 } }', 1, 'cache.tags.freshFor', /unit of time/],
  ['cache: { tags: { freshFor: -1s } }', 1, 'cache.tags.freshFor', /unit of time/],
  ['cache: { tags: { staleFor: 99999d } }', 1, 'cache.tags.staleFor', /from 0s to 3650d/],
  ['timeouts: { answer: 15s }', 1, 'timeouts.answer', /from 1ms to 14s/],
  ['shutdown: { drain: 11m }', 1, 'shutdown.drain', /from 0s to 10m/],
  ['shutdown: { finnish: 1s }', 1, 'shutdown.finnish', /did you mean "finish"\?/],
  ['timeouts: { connect: 0s }', 1, 'timeouts.connect', /from 1ms to 1h/],
  ['cache: { blobs: { driver: memory, maxSize: 50G } }', 1, 'cache.blobs.maxSize', /unit of size/],
  ['cache: { blobs: { driver: memory, maxSize: 1B } }', 1, 'cache.blobs.maxSize', /from 1MiB/],
  // What does not go together
  [
    'cache: { blobs: { driver: memory, path: x } }',
    1,
    'cache.blobs.path',
    /no meaning for the driver memory/,
  ],
  [
    'cache: { blobs: { driver: none, maxSize: 1GiB } }',
    1,
    'cache.blobs.maxSize',
    /no meaning for the driver none/,
  ],
  [
    'cache: { blobs: { driver: none }, state: { driver: filesystem } }',
    1,
    'cache.state.driver',
    /needs cache.blobs.driver: filesystem/,
  ],
  // The document
  ['- a', 1, '', /must be a mapping/],
  ['text', 1, '', /must be a mapping/],
  ['a: 1\n---\nb: 2', 2, '', /one document/],
  ['log: {\n  level: info', 2, '', /not valid YAML/],
  ['log:\n\tlevel: info', 2, '', /not valid YAML/],
  ['listen: [::1]:5000', 1, '', /not valid YAML/],
  ['listen: !!str :5000', 1, 'listen', /tag/],
  ['listen: *nowhere', 1, 'listen', /no & before it/],
  ['log: &log { level: *log }', 1, 'log.level', /no & before it/],
  ['? [a]\n: 1', 1, '?', /not a key/],
  ['__proto__: 1', 1, '?', /not a key/],
  // The environment
  ['listen: ${WHERE}', 1, 'listen', /\$\{WHERE\} is not set or empty/],
  ['listen: ${WHERE', 1, 'listen', /neither \$\{NAME\} nor/],
  [
    upstream('endpoints: [{ url: https://h.example, username: "${U}", password: p }]'),
    3,
    at('endpoints[0].username'),
    /\$\{U\} is not set/,
  ],
])('%j', (text, line, key, message) => {
  expect(mistakesOf(text)).toEqual([
    { file: 'pullway.yaml', line, key, message: expect.stringMatching(message) as string },
  ])
})

test('all mistakes are reported at once, by line', () => {
  const text = `listen: nowhere
cache:
  tags: { freshFor: soon, staleFore: 1d }
  blobs: { driver: r2, maxSize: 1GiB }
upstreams:
  docker.io:
    endpoints:
      - url: https://registry-1.docker.io
        username: \${HUB_USER}
        password: \${HUB_TOKEN}
      - url: registry.example.com
        username: alone
  quay.io: { default: true, hosts: [ghcr.io, "a b"] }
  nvcr.io: { default: true, aliases: [nv] }
  lscr.io: { aliases: [nv] }
tls: { cert: a }
`
  expect(mistakesOf(text).map(({ line, key }) => `${line} ${key}`)).toEqual([
    '1 listen',
    '3 cache.tags.freshFor',
    '3 cache.tags.staleFore',
    '4 cache.blobs.driver',
    '9 upstreams.docker.io.endpoints[0].username',
    '10 upstreams.docker.io.endpoints[0].password',
    '11 upstreams.docker.io.endpoints[1].url',
    '12 upstreams.docker.io.endpoints[1].username',
    '13 upstreams.quay.io.hosts[1]',
    '13 upstreams.quay.io.hosts[0]',
    '14 upstreams.nvcr.io.default',
    '15 upstreams.lscr.io.aliases[0]',
    '16 tls',
  ])
})

test('the message of the error has a line for each', () => {
  const mistakes = mistakesOf('lisen: 1\nlog: { level: loud }', { PORT: 'x' })
  expect(new ConfigError(mistakes).message).toBe(
    'environment: PORT: must be a port number from 0 to 65535\n' +
      'pullway.yaml:1: lisen: is not a known key: did you mean "listen"?\n' +
      'pullway.yaml:2: log.level: must be info, warn or error',
  )
})
