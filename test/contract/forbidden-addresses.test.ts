import type { LookupFunction } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createNodeFetch, type NodeFetch } from '../../adapters/node/src/fetch.ts'
import { createConnections } from '../../adapters/node/src/upstream-connections.ts'
import { startPeer } from './peer.ts'
import { resolveTo } from './resolve-to.ts'

function makeFetch(lookup?: LookupFunction): NodeFetch {
  const fetch = createNodeFetch({ connectMs: 2000, ...(lookup && { lookup }) })
  onTestFinished(() => fetch.close())
  return fetch
}

/** What `URL` makes of each is dialled, so all ways to write an address are tried. */
const hosts: readonly string[] = [
  '127.0.0.1',
  '127.1',
  '127.0.1',
  '127.255.255.254',
  '2130706433',
  '0x7f000001',
  '0x7f.0x0.0x0.0x1',
  '017700000001',
  '0177.0.0.1',
  '１２７.0.0.1',
  '127。0。0。1',
  '0',
  '0.0.0.0',
  'localhost',
  'LOCALHOST',
  '[::1]',
  '[::]',
  '[0:0:0:0:0:0:0:1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::127.0.0.1]',
  '[64:ff9b::127.0.0.1]',
  '[2002:7f00:1::]',
  '10.0.0.1',
  '172.16.0.1',
  '192.168.1.1',
  '169.254.169.254',
  '169.254.170.2',
  '100.100.100.200',
  '168.63.129.16',
  '[fd00:ec2::254]',
  '[fe80::1]',
  '[fec0::1]',
  '[ff02::1]',
  '224.0.0.1',
  '255.255.255.255',
  '192.0.2.1',
  '198.18.0.1',
]

/** What a name of an attacker may resolve to. */
const resolutions: readonly (readonly string[])[] = [
  ['127.0.0.1'],
  ['127.0.0.1', '127.0.0.1'],
  ['10.1.2.3', '127.0.0.1'],
  ['::1'],
  ['::1', '127.0.0.1'],
  ['::ffff:127.0.0.1'],
  ['64:ff9b::7f00:1'],
  ['0.0.0.0'],
  ['::'],
  ['169.254.169.254'],
  ['fd00:ec2::254'],
  ['100.64.0.1'],
  ['192.168.0.1', '172.20.0.1'],
  ['fe80::1%lo'],
  ['2002:7f00:1::'],
  ['not an address'],
  [],
]

describe('the public network', () => {
  const publicOnly = { network: 'public' } as const

  test.each(hosts)('does not reach http://%s', async (host) => {
    const peer = await startPeer((_, response) => response.end('secret'))
    for (const method of ['GET', 'POST']) {
      const request = new Request(`http://${host}:${peer.port}/`, { method })
      await expect(makeFetch()(request, publicOnly)).rejects.toMatchObject({
        name: 'FetchError',
        failure: 'forbidden-address',
      })
    }
    expect(peer.connections()).toBe(0)
  })

  test.each(resolutions)('does not reach a name that resolves to %s', async (...addresses) => {
    const peer = await startPeer((_, response) => response.end('secret'))
    const fetch = makeFetch(resolveTo(...addresses))
    for (const scheme of ['http', 'https']) {
      const request = new Request(`${scheme}://registry.example.com:${peer.port}/`)
      await expect(fetch(request, publicOnly)).rejects.toMatchObject({
        failure: 'forbidden-address',
      })
    }
    expect(peer.connections()).toBe(0)
  })

  test('does not share the connections of the other one', async () => {
    const peer = await startPeer((_, response) => response.end('secret'))
    const fetch = makeFetch(resolveTo('127.0.0.1'))
    const url = `http://registry.example.com:${peer.port}/`
    await (await fetch(new Request(url), { network: 'any' })).text()
    await expect(fetch(new Request(url), publicOnly)).rejects.toThrow('not on the public internet')
    expect(peer.connections()).toBe(1)
  })

  test('passes a failed look-up on as what it is', async () => {
    const fetch = makeFetch((_hostname, _options, callback) => {
      callback(Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' }), [])
    })
    const failing = fetch(new Request('http://registry.example.com/'), publicOnly)
    await expect(failing).rejects.toMatchObject({ failure: 'unreachable' })
  })
})

describe('any network', () => {
  test.each(['127.0.0.1', 'localhost', '127.1', 'registry.example.com'])(
    'reaches %s',
    async (host) => {
      const peer = await startPeer((_, response) => response.end('ours'))
      const fetch = makeFetch(resolveTo('127.0.0.1'))
      const request = new Request(`http://${host}:${peer.port}/`)
      expect(await (await fetch(request, { network: 'any' })).text()).toBe('ours')
    },
  )
})

describe('only what was checked is dialled', () => {
  async function reach(addresses: readonly string[], allowed: string) {
    const peer = await startPeer((_, response) => response.end('reached'))
    let lookups = 0
    const connections = createConnections({
      unread: { bytes: 0 },
      connectMs: 300,
      lookup: (...parameters) => {
        lookups += 1
        // Another answer each time is how a name is bound anew between a check and its use.
        resolveTo(...(lookups === 1 ? addresses : ['127.0.0.1']))(...parameters)
      },
      isAllowed: (address) => address === allowed,
    })
    onTestFinished(() => connections.close())
    const origin = `http://registry.example.com:${peer.port}`
    const answer = await connections.kept.dispatcher
      .request({ origin, path: '/', method: 'GET' })
      .then(({ body }) => body.text())
      .catch(() => 'not reached')
    return { answer, lookups, connections: peer.connections() }
  }

  test.each([
    { addresses: ['127.0.0.1'], allowed: '127.0.0.1', answer: 'reached', connections: 1 },
    {
      addresses: ['192.0.2.1', '127.0.0.1'],
      allowed: '127.0.0.1',
      answer: 'reached',
      connections: 1,
    },
    { addresses: ['::1', '127.0.0.1'], allowed: '127.0.0.1', answer: 'reached', connections: 1 },
    {
      addresses: ['192.0.2.1', '127.0.0.1'],
      allowed: '192.0.2.1',
      answer: 'not reached',
      connections: 0,
    },
    { addresses: ['127.0.0.1'], allowed: '192.0.2.1', answer: 'not reached', connections: 0 },
  ])('$addresses, of which $allowed is allowed: $answer', async (row) => {
    expect(await reach(row.addresses, row.allowed)).toEqual({
      answer: row.answer,
      lookups: 1,
      connections: row.connections,
    })
  })
})
