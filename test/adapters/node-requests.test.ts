import { describe, expect, test } from 'vitest'
import { connectRaw, exchangeRaw, startTestServer } from './node-support.ts'

const answer = async ({ method, url }: Request): Promise<Response> =>
  new Response(method === 'GET' ? url : null)

const host = 'Host: mirror.test\r\n'

describe('what is no request of ours is refused with the OCI error body', () => {
  test.each([
    ['no HTTP at all', 'hello\r\n\r\n', 400],
    ['a TLS greeting', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
    ['the HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['a header without colon', `GET / HTTP/1.1\r\n${host}nonsense\r\n\r\n`, 400],
    ['a space in a header name', `GET / HTTP/1.1\r\n${host}a b: c\r\n\r\n`, 400],
    ['a line break in a header', `GET / HTTP/1.1\r\n${host}a: b\rc\r\n\r\n`, 400],
    ['two lengths', `GET / HTTP/1.1\r\n${host}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`, 400],
    [
      'a length and chunks',
      `POST / HTTP/1.1\r\n${host}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
      400,
    ],
    ['an unknown method', `PULL / HTTP/1.1\r\n${host}\r\n`, 400],
    ['headers of 40 KiB', `GET / HTTP/1.1\r\n${host}a: ${'x'.repeat(40_000)}\r\n\r\n`, 431],
    ['a host with a path', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', 400],
    ['a host with a user', 'GET / HTTP/1.1\r\nHost: user@b\r\n\r\n', 400],
    ['a host of spaces', 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n', 400],
    ['a port that is none', 'GET / HTTP/1.1\r\nHost: a:99999999\r\n\r\n', 400],
    ['a whole URL', `GET http://other.test/v2/ HTTP/1.1\r\n${host}\r\n`, 400],
    ['a star', `OPTIONS * HTTP/1.1\r\n${host}\r\n`, 400],
    ['a backslash', `GET /v2\\..\\ HTTP/1.1\r\n${host}\r\n`, 400],
    ['CONNECT', `CONNECT other.test:443 HTTP/1.1\r\n${host}\r\n`, 400],
  ])('%s', async (_, request, status) => {
    await using server = await startTestServer(answer)
    const client = connectRaw(server.port)
    client.socket.write(request, 'latin1')
    await client.until(']}')
    client.socket.end()
    await client.ended
    const [head = '', body = ''] = client.received().split('\r\n\r\n')
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(head.toLowerCase()).toContain(`content-length: ${body.length}`)
    expect(JSON.parse(body)).toEqual({
      errors: [
        {
          code: expect.stringMatching(/^(UNKNOWN|UNSUPPORTED)$/) as string,
          message: expect.any(String) as string,
        },
      ],
    })
    expect(body).not.toMatch(/node:|\.ts|\.js|at /)
  })

  test('a request without Host has the bare 400 of Node', async () => {
    await using server = await startTestServer(answer)
    expect(await exchangeRaw(server.port, 'GET / HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /)
  })

  test('a request that never ends its headers does not hold others up', async () => {
    await using server = await startTestServer(answer)
    const slow = connectRaw(server.port)
    slow.socket.write('GET / HTTP/1.1\r\nHost:')
    const text = await exchangeRaw(
      server.port,
      `GET / HTTP/1.1\r\n${host}Connection: close\r\n\r\n`,
    )
    expect(text).toMatch(/^HTTP\/1\.1 200 /)
    slow.socket.destroy()
  })
})

describe('what looks odd is served', () => {
  test.each([
    ['an upgrade to HTTP/2', 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n'],
    ['a websocket', 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\n'],
    ['Expect: 100-continue', 'Expect: 100-continue\r\n'],
  ])('%s', async (_, headers) => {
    await using server = await startTestServer(answer)
    const client = connectRaw(server.port)
    client.socket.write(`GET /v2/ HTTP/1.1\r\n${host}${headers}\r\n`)
    await client.until('http://mirror.test/v2/')
    expect(client.received()).toMatch(/HTTP\/1\.1 200 /)
    client.socket.destroy()
  })

  test('HTTP/1.0 without Host, as load balancers ask', async () => {
    await using server = await startTestServer(answer)
    const text = await exchangeRaw(server.port, 'GET /healthz HTTP/1.0\r\n\r\n')
    expect(text).toMatch(/\r\n\r\nhttp:\/\/localhost\/healthz$/)
  })

  test('a body that nobody reads: the next request on the connection is answered', async () => {
    await using server = await startTestServer(async () => new Response('no', { status: 405 }))
    const put = `PUT / HTTP/1.1\r\n${host}Content-Length: 100000\r\n`
    const body = 'x'.repeat(100_000)
    const both = `${put}\r\n${body}${put}Connection: close\r\n\r\n${body}`
    expect((await exchangeRaw(server.port, both)).match(/HTTP\/1\.1 405 /g)).toHaveLength(2)
  })
})

test('an answer that fails is a 500 that tells nothing', async () => {
  await using server = await startTestServer(() => Promise.reject(new Error('secret')))
  const text = await exchangeRaw(server.port, `GET / HTTP/1.1\r\n${host}Connection: close\r\n\r\n`)
  expect(text).toMatch(/^HTTP\/1\.1 500 /)
  expect(text).not.toContain('secret')
  expect(server.logger.records).toEqual([{ level: 'error', message: 'A request failed' }])
})
