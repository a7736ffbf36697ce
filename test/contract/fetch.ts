import type { IncomingMessage } from 'node:http'
import { gzipSync } from 'node:zlib'
import type { Fetch } from '@pullway/core'
import { describe, expect, test, vi } from 'vitest'
import { isSame, makeBytes } from './content.ts'
import { closedPort, startPeer } from './peer.ts'

const any = { network: 'any' } as const

/** What every Fetch does. Made anew for each test. */
export function describeFetch(name: string, make: () => Promise<Fetch>): void {
  describe(`${name} as a Fetch`, () => {
    describe('sends', () => {
      test('method, path, query and headers as they are', async () => {
        const fetch = await make()
        const peer = await startPeer((request, response) => {
          const { method, url, headers } = request
          response.end(JSON.stringify({ method, url, headers }))
        })
        const response = await fetch(
          new Request(`${peer.origin}/v2/a%2Fb/c%20d/?scope=a%3Ab&scope=c+d&x`, {
            headers: { accept: 'a/b, c/d;q=0.5', authorization: 'Bearer x', 'X-Odd': 'é' },
          }),
          any,
        )
        const seen = (await response.json()) as { headers: Record<string, string> }
        expect(seen).toMatchObject({
          method: 'GET',
          url: '/v2/a%2Fb/c%20d/?scope=a%3Ab&scope=c+d&x',
          headers: {
            host: `127.0.0.1:${peer.port}`,
            accept: 'a/b, c/d;q=0.5',
            authorization: 'Bearer x',
            'x-odd': 'é',
          },
        })
        expect(seen.headers).not.toHaveProperty('content-length')
        expect(seen.headers).not.toHaveProperty('transfer-encoding')
        expect(seen.headers).not.toHaveProperty('accept-encoding')
      })

      test('a form with its length', async () => {
        const fetch = await make()
        const peer = await startPeer((request, response) => {
          request.setEncoding('utf8').on('data', (body: string) => {
            response.end(`${request.headers['content-length'] ?? 'none'} ${body}`)
          })
        })
        const body = new URLSearchParams({ grant_type: 'password', scope: 'a b' })
        const response = await fetch(new Request(peer.origin, { method: 'POST', body }), any)
        expect(await response.text()).toBe('29 grant_type=password&scope=a+b')
      })
    })

    describe('gives', () => {
      test.each([
        200, 201, 203, 206, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 410, 416, 418, 429,
        451, 499, 500, 502, 503, 504, 521, 599,
      ])('status %d with its headers and body, and follows nothing', async (status) => {
        const fetch = await make()
        const seen: (string | undefined)[] = []
        const peer = await startPeer((request, response) => {
          seen.push(request.url)
          response.writeHead(status, { location: '/elsewhere', 'x-custom': 'kept' }).end('body')
        })
        const response = await fetch(new Request(`${peer.origin}/here`), any)
        expect(response.status).toBe(status)
        expect(response.headers.get('location')).toBe('/elsewhere')
        expect(response.headers.get('x-custom')).toBe('kept')
        expect(await response.text()).toBe('body')
        expect(seen).toEqual(['/here'])
      })

      test.each([204, 205, 304])('status %d without a body', async (status) => {
        const fetch = await make()
        const peer = await startPeer((_, response) =>
          response.writeHead(status, { etag: 'x' }).end(),
        )
        const response = await fetch(new Request(peer.origin), any)
        expect(response.status).toBe(status)
        expect(response.headers.get('etag')).toBe('x')
        expect(response.body).toBeNull()
      })

      test('the headers of a HEAD', async () => {
        const fetch = await make()
        const peer = await startPeer((request, response) => {
          expect(request.method).toBe('HEAD')
          response.writeHead(200, { 'content-length': '1048576' }).end()
        })
        const response = await fetch(new Request(peer.origin, { method: 'HEAD' }), any)
        expect(response.headers.get('content-length')).toBe('1048576')
        expect(response.body).toBeNull()
      })

      test('every header of one name', async () => {
        const fetch = await make()
        const challenges = ['Basic realm="a"', 'Bearer realm="https://b/token",service="c"']
        const peer = await startPeer((_, response) =>
          response.writeHead(401, { 'www-authenticate': challenges, link: ['</a>', '</b>'] }).end(),
        )
        const { headers } = await fetch(new Request(peer.origin), any)
        expect(headers.get('www-authenticate')).toBe(challenges.join(', '))
        expect(headers.get('link')).toBe('</a>, </b>')
      })

      test('an encoded body as it came', async () => {
        const fetch = await make()
        const encoded = gzipSync('plain')
        const peer = await startPeer((_, response) =>
          response
            .writeHead(200, { 'content-encoding': 'gzip', 'content-length': encoded.byteLength })
            .end(encoded),
        )
        const response = await fetch(new Request(peer.origin), any)
        expect(response.headers.get('content-encoding')).toBe('gzip')
        expect(response.headers.get('content-length')).toBe(String(encoded.byteLength))
        expect(new Uint8Array(await response.arrayBuffer())).toEqual(new Uint8Array(encoded))
      })

      test.each(['with a length', 'in chunks'])('a large body %s', async (form) => {
        const fetch = await make()
        const bytes = makeBytes(8 * 1024 * 1024)
        const peer = await startPeer((_, response) => {
          if (form === 'with a length') response.setHeader('content-length', bytes.byteLength)
          response.write(bytes.subarray(0, 1_000_003))
          response.end(bytes.subarray(1_000_003))
        })
        const response = await fetch(new Request(peer.origin), any)
        const chunks: Uint8Array[] = []
        for await (const chunk of response.body!) chunks.push(chunk)
        expect(isSame(Buffer.concat(chunks), bytes)).toBe(true)
      })

      test('what has come before the rest is there', async () => {
        const fetch = await make()
        let finish = (): void => undefined
        const peer = await startPeer((_, response) => {
          response.write('first')
          finish = () => response.end('second')
        })
        const response = await fetch(new Request(peer.origin), any)
        const reader = response.body!.getReader()
        expect(Buffer.from((await reader.read()).value!).toString()).toBe('first')
        finish()
        expect(Buffer.from((await reader.read()).value!).toString()).toBe('second')
        expect((await reader.read()).done).toBe(true)
      })

      test('no more than is read', async () => {
        const fetch = await make()
        const total = 64 * 1024 * 1024
        const piece = makeBytes(256 * 1024)
        let sent = 0
        const peer = await startPeer((_, response) => {
          const send = (): void => {
            while (sent < total) {
              sent += piece.byteLength
              if (!response.write(piece)) {
                response.once('drain', send)
                return
              }
            }
            response.end()
          }
          send()
        })
        const response = await fetch(new Request(peer.origin), any)
        const reader = response.body!.getReader()
        let read = (await reader.read()).value!.byteLength
        await vi.waitUntil(
          () => {
            const before = sent
            return new Promise((resolve) => setTimeout(() => resolve(sent === before), 50))
          },
          { timeout: 10_000 },
        )
        // What both ends of a loopback connection hold in their kernels is most of it.
        expect(sent).toBeLessThan(total / 2)
        for (let part = await reader.read(); !part.done; part = await reader.read()) {
          read += part.value.byteLength
        }
        expect(read).toBe(total)
      })
    })

    describe('breaks off', () => {
      test('a body that is not wanted', async () => {
        const fetch = await make()
        let closed = Promise.resolve()
        const peer = await startPeer((request, response) => {
          closed = whenClosed(request)
          response.writeHead(200, { 'content-length': '1000000000' }).write(makeBytes(1000))
        })
        const response = await fetch(new Request(peer.origin), any)
        await response.body!.cancel()
        await closed
      })

      test.each([{ length: '1000' }, { length: undefined }])(
        'when upstream does, in a body of length $length',
        async ({ length }) => {
          const fetch = await make()
          const peer = await startPeer((_, response) => {
            if (length !== undefined) response.setHeader('content-length', length)
            response.write('a part', () => response.destroy())
          })
          const response = await fetch(new Request(peer.origin), any)
          await expect(response.text()).rejects.toMatchObject({ failure: 'unreachable' })
        },
      )

      test('before it begins', async () => {
        const fetch = await make()
        const peer = await startPeer((_, response) => response.end())
        const reason = new Error('never mind')
        const request = new Request(peer.origin, { signal: AbortSignal.abort(reason) })
        await expect(fetch(request, any)).rejects.toBe(reason)
        expect(peer.connections()).toBe(0)
      })

      test('while it waits for the headers', async () => {
        const fetch = await make()
        const controller = new AbortController()
        const reason = new Error('too slow')
        let closed = Promise.resolve()
        const peer = await startPeer((request) => {
          closed = whenClosed(request)
          controller.abort(reason)
        })
        const request = new Request(peer.origin, { signal: controller.signal })
        await expect(fetch(request, any)).rejects.toBe(reason)
        await closed
      })

      test('in the middle of a body', async () => {
        const fetch = await make()
        const controller = new AbortController()
        const reason = new Error('idle')
        let closed = Promise.resolve()
        const peer = await startPeer((request, response) => {
          closed = whenClosed(request)
          response.write('a part')
        })
        const request = new Request(peer.origin, { signal: controller.signal })
        const response = await fetch(request, any)
        const reader = response.body!.getReader()
        await reader.read()
        const reading = reader.read()
        controller.abort(reason)
        await expect(reading).rejects.toBe(reason)
        await closed
      })
    })

    test('tells that nobody answers', async () => {
      const fetch = await make()
      const origin = `http://127.0.0.1:${await closedPort()}`
      const failing = fetch(new Request(`${origin}/v2/?X-Amz-Signature=secret`), any)
      await expect(failing).rejects.toMatchObject({ name: 'FetchError', failure: 'unreachable' })
      await expect(failing).rejects.toThrow(origin)
      await expect(failing).rejects.not.toThrow('secret')
    })
  })
}

function whenClosed(request: IncomingMessage): Promise<void> {
  return new Promise((resolve) => request.once('close', resolve))
}
