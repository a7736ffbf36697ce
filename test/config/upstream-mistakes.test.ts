import { expect, test } from 'vitest'
import { mistakesOf } from './mistakes-of.ts'

const upstream = (line: string): string => `upstreams:\n  r.example:\n    ${line}`
const at = (key: string): string => `upstreams.r.example.${key}`

test.each<[text: string, line: number, key: string, message: RegExp]>([
  ['upstreams:\n  dockerhub: {}', 2, 'upstreams.dockerhub', /a dot or a port/],
  [
    'upstreams:\n  https://docker.io: {}',
    2,
    'upstreams.https://docker.io',
    /as in an image reference/,
  ],
  [
    'upstreams:\n  docker.io/library: {}',
    2,
    'upstreams.docker.io/library',
    /as in an image reference/,
  ],
  [
    'upstreams:\n  docker.io:\n  index.docker.io:',
    3,
    'upstreams.index.docker.io',
    /is docker.io, which is there already/,
  ],
  [
    'upstreams:\n  ghcr.io:\n  GHCR.io:',
    3,
    'upstreams.GHCR.io',
    /is ghcr.io, which is there already/,
  ],
  [
    'upstreams:\n  a.example: { default: true }\n  b.example: { default: true }',
    3,
    'upstreams.b.example.default',
    /true for a.example already/,
  ],
  [upstream('{ default: true, enabled: false }'), 3, at('default'), /not enabled/],
  [upstream('aliases: [a.b]'), 3, at('aliases[0]'), /a-z, 0-9/],
  [upstream('aliases: [Hub]'), 3, at('aliases[0]'), /a-z, 0-9/],
  [upstream('aliases: [library]'), 3, at('aliases[0]'), /reserved word/],
  [upstream('aliases: [v2]'), 3, at('aliases[0]'), /reserved word/],
  [upstream('aliases: [hub, hub]'), 3, at('aliases[1]'), /already means r.example/],
  [
    'upstreams:\n  a.example: { aliases: [x] }\n  b.example: { aliases: [x] }',
    3,
    'upstreams.b.example.aliases[0]',
    /already means a.example/,
  ],
  [
    'upstreams:\n  localhost:\n  b.example: { aliases: [localhost] }',
    3,
    'upstreams.b.example.aliases[0]',
    /already means localhost/,
  ],
  [upstream('hosts: [docker.io]'), 3, at('hosts[0]'), /already means docker.io/],
  [
    'upstreams:\n  a.example: { hosts: [h.example] }\n  b.example: { hosts: [H.example] }',
    3,
    'upstreams.b.example.hosts[0]',
    /already means a.example/,
  ],
  [upstream('hosts: ["h.example:443"]'), 3, at('hosts[0]'), /without scheme, port/],
  [upstream('hosts: ["*.h.example"]'), 3, at('hosts[0]'), /wildcard/],
  [upstream('trustedHosts: ["https://h.example"]'), 3, at('trustedHosts[0]'), /without scheme/],
  [upstream('trustedHosts: ["h.example:0"]'), 3, at('trustedHosts[0]'), /host:port/],
  [upstream('search: index.docker.io'), 3, at('search'), /https:\/\//],
  [upstream('endpoints: []'), 3, at('endpoints'), /is empty/],
  [
    upstream('endpoints:\n      - username: a\n        password: b'),
    4,
    at('endpoints[0].url'),
    /is missing/,
  ],
  [upstream('endpoints:\n      - url: h.example'), 4, at('endpoints[0].url'), /https:\/\//],
  [upstream('endpoints: [{ url: ftp://h.example }]'), 3, at('endpoints[0].url'), /https:\/\//],
  [
    upstream('endpoints: [{ url: https://u:p@h.example }]'),
    3,
    at('endpoints[0].url'),
    /credentials/,
  ],
  [
    upstream('endpoints: [{ url: "https://h.example/?a" }]'),
    3,
    at('endpoints[0].url'),
    /without \? and #/,
  ],
  [
    upstream('endpoints: [{ url: "https://h.example#" }]'),
    3,
    at('endpoints[0].url'),
    /without \? and #/,
  ],
  [
    upstream('endpoints: [{ url: https://h.example, username: a }]'),
    3,
    at('endpoints[0].username'),
    /needs a password/,
  ],
  [
    upstream('endpoints: [{ url: https://h.example, password: a }]'),
    3,
    at('endpoints[0].password'),
    /needs a username/,
  ],
  [
    upstream('endpoints: [{ url: https://h.example, username: "a:b", password: c }]'),
    3,
    at('endpoints[0].username'),
    /":"/,
  ],
  [
    upstream('endpoints: [{ url: https://h.example, username: a, password: "c\\n" }]'),
    3,
    at('endpoints[0].password'),
    /line break/,
  ],
  [
    upstream('endpoints: [{ url: https://h.example, accounts: [{ username: a }] }]'),
    3,
    at('endpoints[0].accounts[0].username'),
    /needs a password/,
  ],
  [
    upstream(
      'endpoints: [{ url: https://h.example, accounts: [{ username: "a:b", password: c }] }]',
    ),
    3,
    at('endpoints[0].accounts[0].username'),
    /":"/,
  ],
  [
    upstream('endpoints: [{ url: https://h.example, accounts: [{ user: a }] }]'),
    3,
    at('endpoints[0].accounts[0].user'),
    /username, password/,
  ],
  [upstream('failoverOn: [denied]'), 3, at('failoverOn[0]'), /not-found/],
  [upstream('failoverOn: not-found'), 3, at('failoverOn'), /list/],
  [upstream('quotaFloor: few'), 3, at('quotaFloor'), /whole number/],
  [upstream('quotaFloor: -1'), 3, at('quotaFloor'), /whole number/],
  [upstream('quotaFloor: 1.5'), 3, at('quotaFloor'), /whole number/],
  [upstream('quotaFloor: 12345678901'), 3, at('quotaFloor'), /whole number/],
  [
    'publicUrl: https://m.example\n' + upstream('endpoints: [{ url: https://m.example/ }]'),
    4,
    at('endpoints[0].url'),
    /this mirror itself/,
  ],
])('%j', (text, line, key, message) => {
  expect(mistakesOf(text)).toEqual([
    { file: 'pullway.yaml', line, key, message: expect.stringMatching(message) as string },
  ])
})
