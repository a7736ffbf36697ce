import { expect, test } from 'vitest'
import { mistakesOf } from './mistakes-of.ts'

const access = (lines: string): string => `access:\n  ${lines}`
const deny = (pattern: string): string => access(`images: { deny: [${pattern}] }`)
const users = 'users: { htpasswd: f }'
const rule = (keys: string): string => access(`${users}\n  rules: [{ ${keys} }]`)
const upstream = (line: string): string => `upstreams:\n  ghcr.io:\n    ${line}`
const notPattern = /is not a pattern of images/
const noRegistry = /does not say of which registry: write docker.io\/library\/\*/

test.each<[text: string, line: number, key: string, message: RegExp]>([
  // Networks and agents
  [access('networks: { allow: [10.0.0.0/33] }'), 2, 'access.networks.allow[0]', /CIDR/],
  [access('networks: { deny: [a.example] }'), 2, 'access.networks.deny[0]', /CIDR/],
  [access('networks: { deny: ["10.*"] }'), 2, 'access.networks.deny[0]', /CIDR/],
  [access('networks: [10.0.0.0/8]'), 2, 'access.networks', /must be a mapping/],
  [access('networks: { denied: [] }'), 2, 'access.networks.denied', /known here: allow, deny/],
  [access('userAgents: { allow: [x] }'), 2, 'access.userAgents.allow', /known here: deny/],
  [access('userAgents: { deny: ["a\\nb"] }'), 2, 'access.userAgents.deny[0]', /User-Agent/],
  // Patterns
  [deny('"*"'), 2, 'access.images.deny[0]', noRegistry],
  [deny('"*/nginx"'), 2, 'access.images.deny[0]', noRegistry],
  [deny('"*:latest"'), 2, 'access.images.deny[0]', noRegistry],
  [deny('"?/nginx"'), 2, 'access.images.deny[0]', noRegistry],
  [deny('ghcr.io'), 2, 'access.images.deny[0]', /a registry without an image: add \/\*\*/],
  [deny('GHCR.io'), 2, 'access.images.deny[0]', /a registry without an image/],
  [
    deny('hgcr.io/a/b'),
    2,
    'access.images.deny[0]',
    /not among the upstreams: did you mean "gcr.io"/,
  ],
  [deny('r.example:5000/a'), 2, 'access.images.deny[0]', /add it there, or correct the name/],
  [deny('localhost/a'), 2, 'access.images.deny[0]', /not among the upstreams/],
  [deny('"*.example/a"'), 2, 'access.images.deny[0]', /not among the upstreams/],
  [deny('ghcr.io/Owner/a'), 2, 'access.images.deny[0]', notPattern],
  [deny('ghcr.io//a'), 2, 'access.images.deny[0]', notPattern],
  [deny('ghcr.io/a/'), 2, 'access.images.deny[0]', notPattern],
  [deny('/a'), 2, 'access.images.deny[0]', notPattern],
  [deny('"ghcr.io/a:"'), 2, 'access.images.deny[0]', notPattern],
  [deny('"ghcr.io/a:b:c"'), 2, 'access.images.deny[0]', notPattern],
  [deny('"ghcr.io/a@sha256:00"'), 2, 'access.images.deny[0]', notPattern],
  [deny('"ghcr.io/a/../b"'), 2, 'access.images.deny[0]', notPattern],
  [deny('"ghcr.io/a b"'), 2, 'access.images.deny[0]', notPattern],
  [deny('"ghcr.io/[a"'), 2, 'access.images.deny[0]', notPattern],
  [deny('"ghcr.io/[z-a]"'), 2, 'access.images.deny[0]', notPattern],
  [deny('"ghcr.io/[!a]"'), 2, 'access.images.deny[0]', notPattern],
  [deny('"ghcr.io/{a"'), 2, 'access.images.deny[0]', notPattern],
  [deny('"ghcr.io/{a}"'), 2, 'access.images.deny[0]', notPattern],
  [deny('"ghcr.io/{a/b,c}"'), 2, 'access.images.deny[0]', notPattern],
  [deny('"ghcr.io/{1..9}"'), 2, 'access.images.deny[0]', notPattern],
  [deny('"ghcr.io/(a|b)"'), 2, 'access.images.deny[0]', notPattern],
  [deny('"ghcr.io/+(a)"'), 2, 'access.images.deny[0]', notPattern],
  [deny('"!ghcr.io/a"'), 2, 'access.images.deny[0]', notPattern],
  [deny('"ghcr.io/a**"'), 2, 'access.images.deny[0]', notPattern],
  [deny('"ghcr.io/***"'), 2, 'access.images.deny[0]', notPattern],
  [deny('"https://ghcr.io/a"'), 2, 'access.images.deny[0]', notPattern],
  [deny('"ghcr.io/*a*a*a*a"'), 2, 'access.images.deny[0]', /too many stars/],
  [deny('"ghcr.io/**/a/**/a/**/a/**"'), 2, 'access.images.deny[0]', /too many stars/],
  [deny(`ghcr.io/${'a'.repeat(300)}`), 2, 'access.images.deny[0]', notPattern],
  [
    `upstreams: { docker.io: { default: false } }\n${deny('nginx')}`,
    3,
    'access.images.deny[0]',
    noRegistry,
  ],
  [access('images: { allow: [] }'), 2, 'access.images.allow', /is empty, which would deny all/],
  [access('images: { message: no }'), 2, 'access.images.message', /nothing to be said about/],
  [
    access('images: { deny: [nginx], message: "a\\nb" }'),
    2,
    'access.images.message',
    /one line of at most 500/,
  ],
  [
    upstream('images: { allow: [ghcr.io/a/b] }'),
    3,
    'upstreams.ghcr.io.images.allow[0]',
    /leave the registry out/,
  ],
  [upstream('images: { deny: [] , allow: [] }'), 3, 'upstreams.ghcr.io.images.allow', /is empty/],
  [upstream('images: { deny: ["A"] }'), 3, 'upstreams.ghcr.io.images.deny[0]', notPattern],
  [
    'upstreams: { docker.io: { aliases: [hub], images: { deny: [hub/nginx] } } }',
    1,
    'upstreams.docker.io.images.deny[0]',
    /leave the registry out/,
  ],
  // Users
  [access('users: {}'), 2, 'access.users', /names nobody: give htpasswd, a file, or entries/],
  [access('users: { anonymous: true }'), 2, 'access.users', /names nobody/],
  [access('users: { entries: [] }'), 2, 'access.users', /names nobody/],
  [access('users: { htpasswd: "a\\0" }'), 2, 'access.users.htpasswd', /control characters/],
  [access('users: { htpasswd: f, tokenKey: short }'), 2, 'access.users.tokenKey', /openssl rand/],
  [
    access('users: { htpasswd: f, anonymous: maybe }'),
    2,
    'access.users.anonymous',
    /true or false/,
  ],
  [access('users: { htpasswd: f, password: x }'), 2, 'access.users.password', /known here/],
  [access('users: [alice]'), 2, 'access.users', /must be a mapping/],
  [access('users: { entries: ["a:b\\nc"] }'), 2, 'access.users.entries[0]', /control character/],
  // Rules
  [rule('images: ["**"]'), 3, 'access.rules[0].users', /is missing: name users/],
  [rule('users: [], images: ["**"]'), 3, 'access.rules[0].users', /is missing: name users/],
  [rule('users: [alice]'), 3, 'access.rules[0]', /names no image: give images to allow, or deny/],
  [rule('users: [alice], images: []'), 3, 'access.rules[0]', /names no image/],
  [rule('users: [alice], images: [nginx], deny: [redis]'), 3, 'access.rules[0]', /make it two/],
  [rule('users: [alice], images: ["*"]'), 3, 'access.rules[0].images[0]', noRegistry],
  [
    rule('users: [alice], deny: [hgcr.io/a]'),
    3,
    'access.rules[0].deny[0]',
    /did you mean "gcr.io"/,
  ],
  [
    rule('users: [alice], allow: [nginx], images: [redis]'),
    3,
    'access.rules[0].allow',
    /known here/,
  ],
  [rule('users: alice, images: [nginx]'), 3, 'access.rules[0].users', /must be a list/],
  [rule('users: ["al*"], images: [nginx]'), 3, 'access.rules[0].users[0]', /must be a user name/],
  [rule('users: ["a:b"], images: [nginx]'), 3, 'access.rules[0].users[0]', /must be a user name/],
  [
    rule('users: [alice], images: [nginx], message: hi'),
    3,
    'access.rules[0].message',
    /never said/,
  ],
  [rule('users: [anonymous], images: [nginx]'), 3, 'access.rules[0].users[0]', /anonymous: true/],
  [access('rules: { users: [alice] }'), 2, 'access.rules', /must be a list/],
  [
    access('rules: [{ users: [alice], images: [nginx] }]'),
    2,
    'access.rules[0].users[0]',
    /nobody can log in: add access.users/,
  ],
  [access('admins: [alice]'), 2, 'access.admins[0]', /nobody can log in/],
  [access(`${users}\n  admins: ["*"]`), 3, 'access.admins[0]', /must be the name of a user/],
  [access(`${users}\n  admins: [anonymous]`), 3, 'access.admins[0]', /must be the name of a user/],
  // Limits
  ['limits: { requests: 10/s }', 1, 'limits.requests', /must be a mapping/],
  ['limits: { requests: { burst: 20 } }', 1, 'limits.requests.rate', /is missing/],
  ['limits: { requests: {} }', 1, 'limits.requests.rate', /is missing/],
  ['limits: { requests: { rate: 10 } }', 1, 'limits.requests.rate', /10\/s or 600\/m/],
  ['limits: { requests: { rate: 0/s } }', 1, 'limits.requests.rate', /more than 0/],
  ['limits: { requests: { rate: -1/s } }', 1, 'limits.requests.rate', /10\/s or 600\/m/],
  ['limits: { requests: { rate: 9e9/s } }', 1, 'limits.requests.rate', /10\/s or 600\/m/],
  ['limits: { requests: { rate: 99999999/s } }', 1, 'limits.requests.rate', /at most 1000000\/s/],
  ['limits: { requests: { rate: 10/d } }', 1, 'limits.requests.rate', /10\/s or 600\/m/],
  ['limits: { requests: { rate: 1/s, burst: 0 } }', 1, 'limits.requests.burst', /whole number/],
  ['limits: { requests: { rate: 1/s, burst: 1.5 } }', 1, 'limits.requests.burst', /whole number/],
  ['limits: { connections: 0 }', 1, 'limits.connections', /whole number from 1/],
  ['limits: { connections: 9999999 }', 1, 'limits.connections', /to 1000000/],
  ['limits: { connections: many }', 1, 'limits.connections', /whole number/],
  ['limits: { bandwidth: 20MiB }', 1, 'limits.bandwidth', /such as 20MiB\/s/],
  ['limits: { bandwidth: 20MiB/m }', 1, 'limits.bandwidth', /such as 20MiB\/s/],
  ['limits: { bandwidth: 160Mbit/s }', 1, 'limits.bandwidth', /such as 20MiB\/s/],
  ['limits: { bandwidth: 1B/s }', 1, 'limits.bandwidth', /from 1KiB to 1TiB/],
  ['limits: { bandwith: 1MiB/s }', 1, 'limits.bandwith', /did you mean "bandwidth"\?/],
  // Relay and push
  ['push: { enabled: true }', 1, 'push.enabled', /needs an upstream with clientCredentials: relay/],
  ['push: true', 1, 'push', /must be a mapping/],
  [
    upstream('clientCredentials: forward'),
    3,
    'upstreams.ghcr.io.clientCredentials',
    /ignore or relay/,
  ],
  [
    upstream(
      'clientCredentials: relay\n    endpoints: [{ url: https://ghcr.io, accounts: [{ username: a, password: b }] }]',
    ),
    3,
    'upstreams.ghcr.io.clientCredentials',
    /each client uses an account of its own/,
  ],
  [
    upstream(
      'clientCredentials: relay\n    endpoints: [{ url: https://ghcr.io, username: a, password: b }]',
    ),
    3,
    'upstreams.ghcr.io.clientCredentials',
    /remove username, password and accounts from the endpoints/,
  ],
])('%j', (text, line, key, message) => {
  expect(mistakesOf(text)).toEqual([
    { file: 'pullway.yaml', line, key, message: expect.stringMatching(message) as string },
  ])
})

test('all of them are reported at once', () => {
  const text = `access:
  networks: { allow: [10.0.0.0/99], deny: [nowhere] }
  images: { allow: ["*"], deny: [hgcr.io/**, "ghcr.io/["] }
  users: { htpasswd: f, tokenKey: short }
  rules:
    - { images: ["**"] }
    - { users: [alice], images: [nginx], deny: [nginx] }
    - { users: [anonymous], images: ["**"] }
  admins: ["*"]
limits: { requests: { burst: 1 }, connections: 0, bandwidth: 1 }
push: { enabled: true }
`
  expect(mistakesOf(text).map(({ line, key }) => `${line} ${key}`)).toEqual([
    '2 access.networks.allow[0]',
    '2 access.networks.deny[0]',
    '3 access.images.allow[0]',
    '3 access.images.deny[0]',
    '3 access.images.deny[1]',
    '4 access.users.tokenKey',
    '6 access.rules[0].users',
    '7 access.rules[1]',
    '8 access.rules[2].users[0]',
    '9 access.admins[0]',
    '10 limits.connections',
    '10 limits.bandwidth',
    '10 limits.requests.rate',
    '11 push.enabled',
  ])
})

test('no mistake repeats a secret', () => {
  const text = `access: { users: { htpasswd: f, tokenKey: "hunter2", entries: ["a:hunter2\\n"] } }`
  const mistakes = mistakesOf(text)
  expect(mistakes.length).toBe(2)
  expect(JSON.stringify(mistakes)).not.toContain('hunter2')
})

test('anonymous needs no users, and may be named beside relay', () => {
  const rules = 'rules: [{ users: [anonymous], images: ["**"] }]'
  expect(mistakesOf(access(rules))).toEqual([])
  const relay = upstream('clientCredentials: relay')
  expect(mistakesOf(`${relay}\n${access(`${users}\n  ${rules}`)}`)).toEqual([])
})
