import { describe, expect, test } from 'vitest'
import { connectRaw, eventually, exchangeRaw, startTestServer } from './node-support.ts'

const text = (body: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(body)

/** A body of those chunks; a number is where it breaks. */
function streamOf(chunks: readonly string[], end: 'close' | 'error' = 'close'): ReadableStream {
  const left = [...chunks]
  return new ReadableStream({
    pull(controller) {
      const chunk = left.shift()
      if (chunk !== undefined) controller.enqueue(text(chunk))
      else if (end === 'close') controller.close()
      else controller.error(new Error('broken'))
    },
  })
}

const get = 'GET / HTTP/1.1\r\nHost: mirror.test\r\n\r\n'
const getAndClose = 'GET / HTTP/1.1\r\nHost: mirror.test\r\nConnection: close\r\n\r\n'

describe('answers', () => {
  test.each([
    ['bytes', () => text('0123456789')],
    ['a text', () => '0123456789'],
    ['a stream', () => streamOf(['01234', '56789'])],
  ])('of %s are whole, and two share a connection', async (_, body) => {
    await using server = await startTestServer(async () => {
      return new Response(body(), { headers: { 'content-length': '10' } })
    })
    const client = connectRaw(server.port)
    client.socket.write(get)
    await client.until('0123456789')
    client.socket.write(getAndClose)
    expect(await client.ended).toBe('end')
    expect(client.received().match(/content-length: 10\r\n[^]*?\r\n\r\n0123456789/gi)).toHaveLength(
      2,
    )
  })

  test('of a stream without a length end with the last chunk', async () => {
    await using server = await startTestServer(async () => new Response(streamOf(['abcde'])))
    const answer = await exchangeRaw(server.port, getAndClose)
    expect(answer).toMatch(/\r\n\r\n5\r\nabcde\r\n0\r\n\r\n$/)
  })

  test.each([
    ['none', () => null],
    ['bytes', () => text('0123456789')],
    ['a stream', () => streamOf(['0123456789'])],
  ])('to HEAD keep their length, made with %s', async (_, body) => {
    await using server = await startTestServer(async () => {
      return new Response(body(), { headers: { 'content-length': '10', etag: '"e"' } })
    })
    const answer = await exchangeRaw(server.port, getAndClose.replace('GET', 'HEAD'))
    expect(answer.toLowerCase()).toContain('content-length: 10\r\n')
    expect(answer.toLowerCase()).toContain('etag: "e"\r\n')
    expect(answer).toMatch(/\r\n\r\n$/)
  })

  test('send their headers before the first byte of a slow body', async () => {
    let send: (() => void) | undefined
    const body = new ReadableStream({
      start(controller) {
        send = () => {
          controller.enqueue(text('late'))
          controller.close()
        }
      },
    })
    await using server = await startTestServer(async () => new Response(body))
    const client = connectRaw(server.port)
    client.socket.write(getAndClose)
    await client.until('\r\n\r\n')
    expect(client.received()).not.toContain('late')
    send?.()
    await client.until('late')
  })

  test('tell IPv6 clients from IPv4 ones on one socket', async () => {
    await using server = await startTestServer(
      async (_, { clientAddress }) => new Response(clientAddress),
      { host: '::' },
    )
    const addresses = ['127.0.0.1', '::1']
    for (const address of addresses) {
      const client = connectRaw(server.port, address)
      client.socket.write(getAndClose)
      await client.ended
      expect(client.received()).toMatch(new RegExp(`\r\n\r\n${address}$`))
    }
  })
})

describe('an answer whose body breaks', () => {
  const size = { 'content-length': '10' }
  test.each([
    ['with a length', streamOf(['01234'], 'error'), size, '1.1', /\r\n\r\n01234$/],
    ['in chunks', streamOf(['01234'], 'error'), {}, '1.1', /\r\n\r\n5\r\n01234\r\n$/],
    ['to an HTTP/1.0 client', streamOf(['01234'], 'error'), {}, '1.0', /^/],
    ['too short', streamOf(['01234']), size, '1.1', /\r\n\r\n01234$/],
    ['too long', streamOf(['01234', '5678901']), size, '1.1', /\r\n\r\n01234$/],
    ['at its first byte', streamOf([], 'error'), size, '1.1', /^$/],
  ])('%s is cut off, not ended', async (_, body, headers, version, received) => {
    await using server = await startTestServer(async () => new Response(body, { headers }))
    const client = connectRaw(server.port)
    client.socket.write(get.replace('1.1', version))
    const ended = await client.ended
    if (version === '1.0') expect(ended).toBe('ECONNRESET')
    // A client knows by the missing rest, or the missing last chunk, that this is not the end.
    else expect(client.received()).toMatch(received)
    expect(client.received()).not.toContain('broken')
    expect(server.logger.records).toEqual([{ level: 'warn', message: 'An answer broke off' }])
  })
})

describe('a client that leaves', () => {
  test.each([
    ['with a length', { 'content-length': String(2 ** 40) }],
    ['in chunks', {}],
  ])('in the middle of a body %s is nothing to warn of', async (_, headers) => {
    let open = 0
    await using server = await startTestServer(async () => {
      const chunk = text('x'.repeat(65536))
      open += 1
      const body = new ReadableStream({
        pull: (controller) => controller.enqueue(chunk),
        cancel: () => void (open -= 1),
      })
      return new Response(body, { headers })
    })
    const leave = async (number: number): Promise<void> => {
      const client = connectRaw(server.port)
      client.socket.write(get)
      await client.until('xxx')
      // With bytes unread in either way, the server learns of it by a write, a read or both.
      if (number % 2 === 0) client.socket.resetAndDestroy()
      else client.socket.destroy()
      await client.ended
    }
    for (let round = 0; round < 20; round += 1)
      await Promise.all(Array.from({ length: 10 }, (_none, number) => leave(number)))
    await eventually(() => open === 0)
    expect(server.logger.records).toEqual([])
  })

  test('cancels the body that it does not read any more', async () => {
    const cancelled: unknown[] = []
    await using server = await startTestServer(async ({ url }) => {
      if (url.endsWith('/alive')) return new Response('yes')
      const endless = text('x'.repeat(65536))
      return new Response(
        new ReadableStream({
          pull: (controller) => controller.enqueue(endless),
          cancel: (reason) => void cancelled.push(reason),
        }),
      )
    })
    for (let round = 0; round < 200; round += 1) {
      const client = connectRaw(server.port)
      client.socket.write(get)
      await client.until('xxx')
      client.socket.resetAndDestroy()
      await client.ended
    }
    await eventually(() => cancelled.length === 200)
    expect(await exchangeRaw(server.port, getAndClose.replace('/ ', '/alive '))).toMatch(/yes$/)
    expect(server.logger.records).toEqual([])
  })

  test('cancels a body that has nothing to give at the moment', async () => {
    const cancelled: unknown[] = []
    const silent = new ReadableStream({
      start: (controller) => controller.enqueue(text('first')),
      cancel: (reason) => void cancelled.push(reason),
    })
    await using server = await startTestServer(async () => new Response(silent))
    const client = connectRaw(server.port)
    client.socket.write(get)
    await client.until('first')
    client.socket.resetAndDestroy()
    await eventually(() => cancelled.length === 1)
  })

  test('aborts the signal of its request while the answer is not there', async () => {
    const aborted: boolean[] = []
    await using server = await startTestServer(
      (request) =>
        new Promise((resolve) => {
          request.signal.addEventListener('abort', () => {
            aborted.push(true)
            resolve(new Response(streamOf(['late'])))
          })
        }),
    )
    const client = connectRaw(server.port)
    client.socket.write(get)
    client.socket.once('connect', () => setImmediate(() => client.socket.resetAndDestroy()))
    await eventually(() => aborted.length === 1)
  })
})
