import { describe, expect, test } from 'vitest'
import { createReadClient } from '../../../core/src/access/client.ts'

interface Row {
  readonly peer?: string
  readonly proxies?: readonly string[]
  readonly headers?: Readonly<Record<string, string>>
  readonly publicUrl?: string
  readonly url?: string
}

function read({ peer, proxies = [], headers = {}, publicUrl, url }: Row): {
  address: string
  origin: () => string
} {
  const given = new Headers(headers)
  return createReadClient(
    proxies,
    publicUrl,
  )({
    peer,
    url: url ?? 'http://mirror.example.com:5000/v2/',
    header: (name) => given.get(name),
  })
}

describe('addresses', () => {
  const proxies = ['127.0.0.1/32', '10.0.0.0/8', '::1/128', '2001:db8::/32']
  test.each([
    ['hidden by the platform', {}, '-'],
    ['a peer', { peer: '192.0.2.1' }, '192.0.2.1'],
    ['an IPv6 peer', { peer: '2001:db8::1' }, '2001:db8::1'],
    ['IPv4 on a dual-stack socket', { peer: '::ffff:192.0.2.1' }, '192.0.2.1'],
    [
      'forged, without proxies',
      { peer: '192.0.2.1', headers: { 'x-forwarded-for': '1.1.1.1' } },
      '192.0.2.1',
    ],
    [
      'forged, from a stranger',
      { peer: '192.0.2.1', proxies, headers: { 'x-forwarded-for': '1.1.1.1' } },
      '192.0.2.1',
    ],
    [
      'told by a proxy',
      { peer: '127.0.0.1', proxies, headers: { 'x-forwarded-for': '198.51.100.7' } },
      '198.51.100.7',
    ],
    [
      'told by a proxy on a dual-stack socket',
      { peer: '::ffff:127.0.0.1', proxies, headers: { 'x-forwarded-for': '::ffff:198.51.100.7' } },
      '198.51.100.7',
    ],
    [
      'forged in front of a proxy',
      { peer: '127.0.0.1', proxies, headers: { 'x-forwarded-for': '1.1.1.1, 198.51.100.7' } },
      '198.51.100.7',
    ],
    [
      'through two proxies',
      {
        peer: '127.0.0.1',
        proxies,
        headers: { 'x-forwarded-for': '1.1.1.1, 198.51.100.7, 10.1.2.3' },
      },
      '198.51.100.7',
    ],
    [
      'proxies only',
      { peer: '127.0.0.1', proxies, headers: { 'x-forwarded-for': '10.0.0.1, 10.0.0.2' } },
      '10.0.0.1',
    ],
    [
      'nonsense behind a proxy',
      { peer: '127.0.0.1', proxies, headers: { 'x-forwarded-for': 'nobody, 10.0.0.2' } },
      '10.0.0.2',
    ],
    [
      'nonsense alone',
      { peer: '127.0.0.1', proxies, headers: { 'x-forwarded-for': '" - "GET' } },
      '127.0.0.1',
    ],
    ['no header', { peer: '127.0.0.1', proxies }, '127.0.0.1'],
    [
      'an IPv6 proxy and client',
      { peer: '2001:db8::5', proxies, headers: { 'x-forwarded-for': '2001:db9::7' } },
      '2001:db9::7',
    ],
    [
      'a proxy named without a mask',
      { peer: '10.9.9.9', proxies: ['10.9.9.9'], headers: { 'x-forwarded-for': '192.0.2.5' } },
      '192.0.2.5',
    ],
    [
      'an IPv6 proxy named without a mask',
      { peer: 'fd00::1', proxies: ['fd00::1'], headers: { 'x-forwarded-for': '192.0.2.5' } },
      '192.0.2.5',
    ],
    ['a peer that is no address', { peer: 'unix:', proxies }, 'unix:'],
  ] as const)('%s', (_, row, address) => {
    expect(read(row).address).toBe(address)
  })
})

describe('origins', () => {
  const proxied = { peer: '127.0.0.1', proxies: ['127.0.0.1/32'] }
  const forwarded = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'Hub.Example.com:8443' }
  test.each([
    ['as asked', { peer: '192.0.2.1' }, 'http://mirror.example.com:5000'],
    [
      'by IPv6',
      { peer: '192.0.2.1', url: 'http://[2001:db8::1]:5000/' },
      'http://[2001:db8::1]:5000',
    ],
    ['forged', { peer: '192.0.2.1', headers: forwarded }, 'http://mirror.example.com:5000'],
    ['told by a proxy', { ...proxied, headers: forwarded }, 'https://hub.example.com:8443'],
    [
      'only the scheme told',
      { ...proxied, headers: { 'x-forwarded-proto': 'https' } },
      'https://mirror.example.com:5000',
    ],
    [
      'nonsense told',
      { ...proxied, headers: { 'x-forwarded-proto': 'ftp', 'x-forwarded-host': 'a"><script>' } },
      'http://mirror.example.com:5000',
    ],
    [
      'an address told',
      { ...proxied, headers: { 'x-forwarded-host': '[::1]:5000' } },
      'http://[::1]:5000',
    ],
    [
      'configured',
      { ...proxied, headers: forwarded, publicUrl: 'https://mirror.example.org' },
      'https://mirror.example.org',
    ],
    [
      'configured, without proxies',
      { peer: '192.0.2.1', publicUrl: 'https://mirror.example.org' },
      'https://mirror.example.org',
    ],
  ] as const)('%s', (_, row, origin) => {
    expect(read(row).origin()).toBe(origin)
  })
})
