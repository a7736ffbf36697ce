import { describe, expect, test } from 'vitest'
import {
  isOwnHost,
  isSameSite,
  isTrustedRealm,
  keepsEncryption,
} from '../../../core/src/upstream/trust.ts'
import { upstreamConfig } from '../support/upstream-config.ts'

interface Row {
  readonly endpoint: string
  readonly hosts?: readonly string[]
  readonly realmHosts?: readonly string[]
  readonly trustedHosts?: readonly string[]
}

function trusts(realm: string, { endpoint, ...given }: Row): boolean {
  const config = { url: endpoint, credentials: { username: 'u', password: 'p' }, accounts: [] }
  const upstream = upstreamConfig({ endpoints: [config], ...given })
  return isTrustedRealm(new URL(realm), config, upstream)
}

describe('a realm belongs to an endpoint', () => {
  const lscr = { endpoint: 'https://lscr.io/v2', hosts: ['lscr.io'], realmHosts: ['ghcr.io'] }
  test.each<[string, Row]>([
    ['https://auth.docker.io/token', { endpoint: 'https://registry-1.docker.io/v2' }],
    ['https://gitlab.com/jwt/auth', { endpoint: 'https://registry.gitlab.com/v2' }],
    ['https://docker-auth.elastic.co/auth', { endpoint: 'https://docker.elastic.co/v2' }],
    ['https://ghcr.io/token', { endpoint: 'https://ghcr.io/v2' }],
    ['https://ghcr.io/token', lscr],
    ['https://sub.example.co.uk/t', { endpoint: 'https://registry.example.co.uk/v2' }],
    ['http://auth.example.com/t', { endpoint: 'http://registry.example.com/v2' }],
    ['https://auth.example.com/t', { endpoint: 'http://registry.example.com/v2' }],
    ['http://localhost:5001/t', { endpoint: 'http://localhost:5001/v2' }],
    ['http://10.0.0.5:5000/t', { endpoint: 'http://10.0.0.5:5000/v2' }],
    ['http://harbor:8080/t', { endpoint: 'http://harbor:8080/v2' }],
    [
      'https://sso.other.org/t',
      { endpoint: 'https://r.example.com/v2', trustedHosts: ['sso.other.org'] },
    ],
    [
      'https://sso.other.org:8443/t',
      { endpoint: 'https://r.example.com/v2', trustedHosts: ['sso.other.org:8443'] },
    ],
    [
      'https://sso.other.org/t',
      { endpoint: 'https://r.example.com/v2', trustedHosts: ['sso.other.org:443'] },
    ],
    [
      'https://sso.other.org:9000/t',
      { endpoint: 'https://r.example.com/v2', trustedHosts: ['sso.other.org'] },
    ],
    ['http://10.0.0.9/t', { endpoint: 'http://10.0.0.5/v2', trustedHosts: ['10.0.0.9'] }],
  ])('%s', (realm, row) => {
    expect(trusts(realm, row)).toBe(true)
  })
})

describe('a realm is a stranger', () => {
  const lscr = { hosts: ['lscr.io'], realmHosts: ['ghcr.io'] }
  test.each<[string, Row]>([
    ['https://evil.example.net/t', { endpoint: 'https://registry.example.com/v2' }],
    ['https://example.com.evil.net/t', { endpoint: 'https://registry.example.com/v2' }],
    ['https://evilexample.com/t', { endpoint: 'https://registry.example.com/v2' }],
    ['http://auth.example.com/t', { endpoint: 'https://registry.example.com/v2' }],
    ['https://u:p@auth.example.com/t', { endpoint: 'https://registry.example.com/v2' }],
    ['https://u@registry.example.com/t', { endpoint: 'https://registry.example.com/v2' }],
    ['https://other.co.uk/t', { endpoint: 'https://registry.co.uk/v2' }],
    // Two customers of one hosting domain.
    ['https://bob.github.io/t', { endpoint: 'https://alice.github.io/v2' }],
    ['https://b.s3.amazonaws.com/t', { endpoint: 'https://a.s3.amazonaws.com/v2' }],
    // Addresses and names without a registrable domain have no relatives.
    ['http://10.0.0.6/t', { endpoint: 'http://10.0.0.5/v2' }],
    ['http://localhost:5002/t', { endpoint: 'http://localhost:5001/v2' }],
    ['http://169.254.169.254/t', { endpoint: 'http://registry.example.com/v2' }],
    ['http://[::1]/t', { endpoint: 'http://[::2]/v2' }],
    ['file:///etc/passwd', { endpoint: 'http://registry.example.com/v2' }],
    ['ftp://registry.example.com/t', { endpoint: 'http://registry.example.com/v2' }],
    // The table's exception is the registry's own, not that of an endpoint in its place.
    ['https://ghcr.io/t', { endpoint: 'https://mirror.example.org/v2', ...lscr }],
    ['https://ghcr.io:8443/t', { endpoint: 'https://lscr.io/v2', ...lscr }],
    [
      'https://sso.other.org:9000/t',
      { endpoint: 'https://r.example.com/v2', trustedHosts: ['sso.other.org:8443'] },
    ],
    [
      'https://sub.sso.other.org/t',
      { endpoint: 'https://r.example.com/v2', trustedHosts: ['sso.other.org'] },
    ],
    [
      'http://sso.other.org/t',
      { endpoint: 'https://r.example.com/v2', trustedHosts: ['sso.other.org'] },
    ],
  ])('%s', (realm, row) => {
    expect(trusts(realm, row)).toBe(false)
  })
})

test.each([
  ['http://10.0.0.5:5000/x', true],
  ['http://10.0.0.5:5001/x', false],
  ['http://10.0.0.5/x', false],
  ['http://10.0.0.9:1234/x', true],
  ['http://storage.internal:9000/x', true],
  ['http://storage.internal/x', false],
  ['http://registry.example.com/x', false],
])('%s is an own host: %s', (url, isOwn) => {
  const upstream = upstreamConfig({
    endpoints: [{ url: 'http://10.0.0.5:5000/v2', credentials: undefined, accounts: [] }],
    trustedHosts: ['10.0.0.9', 'storage.internal:9000'],
  })
  expect(isOwnHost(new URL(url), upstream)).toBe(isOwn)
})

test.each([
  ['http://a', 'http://b', true],
  ['http://a', 'https://b', true],
  ['https://a', 'https://b', true],
  ['https://a', 'http://b', false],
  ['http://a', 'ftp://b', false],
  ['https://a', 'data:,x', false],
])('from %s to %s: %s', (from, to, keeps) => {
  expect(keepsEncryption(new URL(from), new URL(to))).toBe(keeps)
})

test.each([
  ['a.example.com', 'b.example.com', true],
  ['example.com', 'b.c.example.com', true],
  ['com', 'com', false],
  ['10.0.0.1', '10.0.0.1', false],
  ['localhost', 'localhost', false],
  ['a.internal', 'a.internal', true],
])('%s and %s are one site: %s', (one, other, same) => {
  expect(isSameSite(one, other)).toBe(same)
})
