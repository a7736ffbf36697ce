import { createServer } from 'node:https'
import tls from 'node:tls'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createNodeFetch, type NodeFetch } from '../../adapters/node/src/fetch.ts'
import { testCertificate, testKey } from './certificate.ts'
import { listen, startPeer, startRawPeer } from './peer.ts'
import { resolveTo } from './resolve-to.ts'

type Options = Partial<Parameters<typeof createNodeFetch>[0]>

const any = { network: 'any' } as const

function makeFetch(options: Options = {}): NodeFetch {
  const fetch = createNodeFetch({ connectMs: 5000, ...options })
  onTestFinished(() => fetch.close())
  return fetch
}

const good = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood'

describe('a connection', () => {
  test('is used again after a GET and after a HEAD', async () => {
    const fetch = makeFetch()
    const peer = await startPeer((_, response) =>
      response.writeHead(200, { 'content-length': 4 }).end('good'),
    )
    for (const method of ['GET', 'HEAD', 'HEAD', 'GET']) {
      await (await fetch(new Request(peer.origin, { method }), any)).text()
    }
    expect(peer.connections()).toBe(1)
  })

  test('is not broken off for a small body that nobody wants, also one that is late', async () => {
    const fetch = makeFetch()
    const peer = await startRawPeer((socket) => {
      socket.on('data', () => {
        socket.write('HTTP/1.1 401 Unauthorized\r\nContent-Length: 4\r\n\r\n')
        setImmediate(() => socket.write('body'))
      })
    })
    for (let time = 0; time < 3; time += 1) {
      await (await fetch(new Request(peer.origin), any)).body?.cancel()
    }
    expect(await (await fetch(new Request(peer.origin), any)).text()).toBe('body')
    expect(peer.open()).toBe(peer.connections())
  })

  test('that its server closed while it was idle costs a GET nothing', async () => {
    const fetch = makeFetch()
    // The second request of the first connection meets a reset.
    const peer = await startRawPeer((socket, index) => {
      let requests = 0
      socket.on('data', () => {
        requests += 1
        if (index === 0 && requests === 2) socket.resetAndDestroy()
        else socket.write(good)
      })
    })
    for (let time = 0; time < 2; time += 1) {
      const response = await fetch(new Request(peer.origin), any)
      expect(await response.text()).toBe('good')
    }
    expect(peer.connections()).toBe(2)
  })

  test.each(['end', 'destroy', 'resetAndDestroy'] as const)(
    'that breaks for good (%s) is tried again once, on a new one',
    async (how) => {
      const fetch = makeFetch()
      let requests = 0
      const peer = await startRawPeer((socket) => {
        socket.on('data', () => {
          requests += 1
          if (requests === 1) socket.write(good)
          else socket[how]()
        })
      })
      await (await fetch(new Request(peer.origin), any)).text()
      const failing = fetch(new Request(peer.origin), any)
      await expect(failing).rejects.toMatchObject({ failure: 'unreachable' })
      expect(requests).toBe(3)
    },
  )

  test.each(['GET', 'HEAD', 'POST'])('that breaks while it is new ends a %s', async (method) => {
    const fetch = makeFetch()
    let requests = 0
    const peer = await startRawPeer((socket) => {
      socket.on('data', () => {
        requests += 1
        socket.resetAndDestroy()
      })
    })
    const failing = fetch(new Request(peer.origin, { method }), any)
    await expect(failing).rejects.toMatchObject({ failure: 'unreachable' })
    expect(requests).toBe(1)
  })

  test('that breaks after the answer began is not tried again', async () => {
    const fetch = makeFetch()
    let requests = 0
    const peer = await startRawPeer((socket) => {
      socket.on('data', () => {
        requests += 1
        if (requests === 1) socket.write(good)
        else socket.end('HTTP/1.1 200 O')
      })
    })
    await (await fetch(new Request(peer.origin), any)).text()
    const failing = fetch(new Request(peer.origin), any)
    await expect(failing).rejects.toMatchObject({ failure: 'unreachable' })
    expect(requests).toBe(2)
  })

  test('is a new one for a POST, which must not meet a closed one', async () => {
    const fetch = makeFetch()
    const peer = await startPeer((_, response) => response.end('good'))
    await (await fetch(new Request(peer.origin), any)).text()
    const post = new Request(peer.origin, { method: 'POST', body: 'form' })
    await (await fetch(post, any)).text()
    await (await fetch(new Request(peer.origin), any)).text()
    expect(peer.connections()).toBe(2)
  })

  test('is one of no more than the limit', async () => {
    const fetch = makeFetch({ maxConnectionsPerOrigin: 2 })
    const peer = await startPeer((_, response) => response.end('good'))
    const answers = await Promise.all(
      Array.from({ length: 9 }, async () => (await fetch(new Request(peer.origin), any)).text()),
    )
    expect(answers).toEqual(Array.from({ length: 9 }, () => 'good'))
    expect(peer.connections()).toBe(2)
  })
})

describe('connecting is limited in time', () => {
  test('with a name that never resolves', async () => {
    const fetch = makeFetch({ connectMs: 50, lookup: () => undefined })
    const failing = fetch(new Request('http://registry.test/'), any)
    await expect(failing).rejects.toMatchObject({ failure: 'timeout' })
  })

  test('with a TLS handshake that never ends', async () => {
    const peer = await startRawPeer(() => undefined)
    const fetch = makeFetch({ connectMs: 50 })
    const failing = fetch(new Request(`https://127.0.0.1:${peer.port}/`), any)
    await expect(failing).rejects.toMatchObject({ failure: 'timeout' })
  })

  test('and waiting for an answer is not: the caller does that', async () => {
    const fetch = makeFetch({ connectMs: 50 })
    const peer = await startPeer((_, response) => {
      setTimeout(() => response.end('late'), 150)
    })
    expect(await (await fetch(new Request(peer.origin), any)).text()).toBe('late')
  })

  test('and an abort need not wait for it', async () => {
    const fetch = makeFetch({ connectMs: 500, lookup: () => undefined })
    const controller = new AbortController()
    const reason = new Error('enough')
    const failing = fetch(new Request('http://registry.test/', { signal: controller.signal }), any)
    controller.abort(reason)
    await expect(failing).rejects.toBe(reason)
  })
})

test('a body hears of an abort although its Request was collected', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const fetch = makeFetch()
  const peer = await startPeer((_, response) => response.write('a part'))
  const controller = new AbortController()
  const response = await fetch(new Request(peer.origin, { signal: controller.signal }), any)
  const reader = response.body!.getReader()
  await reader.read()
  for (let time = 0; time < 5; time += 1) {
    collect()
    await new Promise((resolve) => setImmediate(resolve))
  }
  const reason = new Error('idle')
  const reading = reader.read()
  controller.abort(reason)
  await expect(reading).rejects.toBe(reason)
})

describe('TLS', () => {
  async function startTlsPeer(servernames: string[]) {
    const server = createServer({ cert: testCertificate, key: testKey }, (request, response) => {
      response.end(`${request.headers.host ?? ''} ${request.httpVersion}`)
    })
    server.on('secureConnection', ({ servername }) => servernames.push(String(servername)))
    return listen(server)
  }

  /** As NODE_EXTRA_CA_CERTS does at the start of a process. */
  function trust(...certificates: readonly string[]): void {
    const former = tls.getCACertificates('default')
    tls.setDefaultCACertificates([...former, ...certificates])
    onTestFinished(() => tls.setDefaultCACertificates(former))
  }

  test('names the server, checks it, and speaks HTTP/1.1', async () => {
    trust(testCertificate)
    const servernames: string[] = []
    const { port } = await startTlsPeer(servernames)
    const fetch = makeFetch({ lookup: resolveTo('127.0.0.1') })
    for (let time = 0; time < 2; time += 1) {
      const response = await fetch(new Request(`https://registry.test:${port}/`), any)
      expect(await response.text()).toBe(`registry.test:${port} 1.1`)
    }
    expect(servernames).toEqual(['registry.test'])
  })

  test.each([
    { host: 'other.test', trusted: [testCertificate], what: 'for another name' },
    { host: 'registry.test', trusted: [], what: 'that nobody trusts' },
  ])('refuses a certificate $what', async ({ host, trusted }) => {
    trust(...trusted)
    const servernames: string[] = []
    const { port } = await startTlsPeer(servernames)
    const fetch = makeFetch({ lookup: resolveTo('127.0.0.1') })
    const failing = fetch(new Request(`https://${host}:${port}/`), any)
    await expect(failing).rejects.toMatchObject({ failure: 'unreachable' })
    expect(servernames).toEqual([])
  })

  test('does not talk to a server without it', async () => {
    const peer = await startPeer((_, response) => response.end())
    const fetch = makeFetch()
    const failing = fetch(new Request(`https://127.0.0.1:${peer.port}/`), any)
    await expect(failing).rejects.toMatchObject({ failure: 'unreachable' })
  })
})

test.each(['any', 'public'] as const)(
  'a name that does not resolve is unreachable, on the network %s',
  async (network) => {
    // As node:dns does it: no further arguments after an error.
    const fetch = makeFetch({
      lookup: (name, _options, callback) => {
        const error = Object.assign(new Error(`no ${name}`), { code: 'ENOTFOUND' })
        ;(callback as (error: Error) => void)(error)
      },
    })
    const answer = fetch(new Request('http://registry.test/'), { network })
    await expect(answer).rejects.toMatchObject({ name: 'FetchError', failure: 'unreachable' })
  },
)
