import { expect, test } from 'vitest'
import { connectRaw, eventually, startTestServer } from './node-support.ts'

/** The usual limits are seconds and minutes; these are the same ones, sooner. */
const limits = {
  headersTimeout: 300,
  requestTimeout: 600,
  connectionsCheckingInterval: 50,
  silenceMs: 400,
}
const answer = async (): Promise<Response> => new Response('ok')

test.each([
  ['a header byte by byte', 'GET /v2/ HTTP/1.1\r\nHost: a\r\nX-Slow: ', 'x', 408],
  ['header lines without end', 'GET /v2/ HTTP/1.1\r\nHost: a\r\n', 'a: b\r\n', 408],
  ['its first line byte by byte', 'GET /', 'a', 408],
])('a client that sends %s is cut off', async (_, begin, more, status) => {
  await using server = await startTestServer(answer, { limits })
  const client = connectRaw(server.port)
  client.socket.write(begin)
  // It goes on for as long as the server takes it: silence alone would end it, too.
  const dripping = setInterval(() => client.socket.write(more), 20)
  await client.ended
  clearInterval(dripping)
  expect(client.received()).toContain(`HTTP/1.1 ${status} `)
  expect(client.received()).toContain('"errors"')
})

test('a client that sends a body byte by byte is cut off', async () => {
  let isBroken = false
  await using server = await startTestServer(
    async (request) => {
      await request.text().catch(() => (isBroken = true))
      return new Response('read')
    },
    { limits },
  )
  const client = connectRaw(server.port)
  client.socket.write('POST /token HTTP/1.1\r\nHost: a\r\nContent-Length: 10000\r\n\r\n')
  const dripping = setInterval(() => client.socket.write('x'), 20)
  await client.ended
  clearInterval(dripping)
  await eventually(() => isBroken)
  expect(client.received()).not.toContain(' 200 ')
})

test('a connection on which nothing is said ends', async () => {
  await using server = await startTestServer(answer, { limits })
  const client = connectRaw(server.port)
  await client.ended
  expect(client.received()).not.toContain(' 200 ')
})

test('a client that takes nothing of its answer is let go, and the source is told', async () => {
  let isCancelled = false
  const body = (): ReadableStream<Uint8Array> =>
    new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(256 * 1024)),
      cancel: () => void (isCancelled = true),
    })
  await using server = await startTestServer(async () => new Response(body()), { limits })
  const client = connectRaw(server.port)
  client.socket.pause()
  client.socket.write('GET /v2/ HTTP/1.1\r\nHost: a\r\n\r\n')
  await eventually(() => isCancelled)
  client.socket.destroy()
  await client.ended
})
