import { expect, test } from 'vitest'
import { createFakeClock } from '../fakes/clock.ts'
import { connectRaw, eventually, startTestServer, type TestServer } from './node-support.ts'

const get = 'GET / HTTP/1.1\r\nHost: mirror.test\r\n\r\n'
const limitMs = 30_000

interface SlowBody {
  readonly stream: ReadableStream
  send(text: string): void
  close(): void
}

function createSlowBody(): SlowBody {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  const writer = writable.getWriter()
  return {
    stream: readable,
    send: (text) => void writer.write(new TextEncoder().encode(text)).catch(() => undefined),
    close: () => void writer.close(),
  }
}

async function isRefused({ port }: TestServer): Promise<boolean> {
  const client = connectRaw(port)
  const isOpen = await Promise.race([
    new Promise((resolve) => client.socket.once('connect', () => resolve(true))),
    client.ended.then(() => false),
  ])
  client.socket.destroy()
  return !isOpen
}

test('a running download finishes, and new clients are refused', async () => {
  const body = createSlowBody()
  const clock = createFakeClock()
  await using server = await startTestServer(async () => new Response(body.stream), { clock })
  const client = connectRaw(server.port)
  client.socket.write(get)
  body.send('first')
  await client.until('first')

  const stopped = server.stop(limitMs)
  expect(await isRefused(server)).toBe(true)
  await clock.advance(limitMs - 1)
  body.send('last')
  body.close()

  expect(await stopped).toBe(true)
  expect(await client.ended).toBe('end')
  expect(client.received()).toMatch(/last\r\n0\r\n\r\n$/)
})

test('a download that takes longer than the limit is cut off', async () => {
  const body = createSlowBody()
  const clock = createFakeClock()
  await using server = await startTestServer(async () => new Response(body.stream), { clock })
  const client = connectRaw(server.port)
  client.socket.write(get)
  body.send('first')
  await client.until('first')

  const stopped = server.stop(limitMs)
  await clock.advance(limitMs)

  expect(await stopped).toBe(false)
  await client.ended
  expect(client.received()).not.toMatch(/0\r\n\r\n$/)
})

test('a second call ends it at once', async () => {
  const body = createSlowBody()
  await using server = await startTestServer(async () => new Response(body.stream))
  const client = connectRaw(server.port)
  client.socket.write(get)
  body.send('first')
  await client.until('first')

  const stopped = server.stop(limitMs)
  expect(await server.stop(0)).toBe(false)
  expect(await stopped).toBe(false)
  await client.ended
})

test('a connection that waits for its next request ends at once', async () => {
  await using server = await startTestServer(async () => new Response('done'))
  const client = connectRaw(server.port)
  client.socket.write(get)
  await client.until('done')
  expect(await server.stop(limitMs)).toBe(true)
  expect(await client.ended).toBe('end')
})

test('a first request that is on its way is still answered, and ends its connection', async () => {
  const clock = createFakeClock()
  await using server = await startTestServer(async () => new Response('done'), { clock })
  const [late, silent] = [connectRaw(server.port), connectRaw(server.port)]
  // Connections are taken in order: when the third has its answer, these two are known.
  const known = connectRaw(server.port)
  known.socket.write(get)
  await known.until('done')

  const stopped = server.stop(limitMs)
  late.socket.write(get)
  expect(await late.ended).toBe('end')
  expect(late.received()).toMatch(/connection: close\r\n[^]*done$/i)
  await clock.advance(1000)
  await silent.ended
  expect(await stopped).toBe(true)
})

test('a slow client gets all of an answer that was written before', async () => {
  const size = 16 * 1024 * 1024
  const sent: boolean[] = []
  await using server = await startTestServer(async (_, context) => {
    context.whenSent?.((_bytes, isComplete) => sent.push(isComplete))
    return new Response(new Uint8Array(size), { headers: { 'content-length': String(size) } })
  })
  const client = connectRaw(server.port)
  client.socket.write(get)
  await client.until('\r\n\r\n')
  client.socket.pause()

  const stopped = server.stop(limitMs)
  for (let turn = 0; turn < 100; turn += 1) await new Promise(setImmediate)
  expect(sent).toEqual([])
  client.socket.resume()

  expect(await stopped).toBe(true)
  await client.ended
  expect(client.received().split('\r\n\r\n')[1]).toHaveLength(size)
})

test('work that an answer left behind, and running fills, are waited for', async () => {
  const finish: (() => void)[] = []
  const untilFinished = (): Promise<void> => new Promise((resolve) => finish.push(resolve))
  await using server = await startTestServer(
    async (_, context) => {
      context.waitUntil(untilFinished())
      context.waitUntil(Promise.reject(new Error('lost')))
      return new Response('done', { headers: { connection: 'close' } })
    },
    { idle: untilFinished },
  )
  const client = connectRaw(server.port)
  client.socket.write(get)
  await client.ended

  let isStopped = false
  const stopped = server.stop(limitMs).then((isFinished) => {
    isStopped = true
    return isFinished
  })
  for (const wanted of [1, 2]) {
    await eventually(() => finish.length === wanted)
    // Enough turns for whatever does not wait.
    for (let turn = 0; turn < 100; turn += 1) await new Promise(setImmediate)
    expect(finish).toHaveLength(wanted)
    expect(isStopped).toBe(false)
    finish.at(-1)?.()
  }
  expect(await stopped).toBe(true)
  expect(server.logger.records).toEqual([
    { level: 'error', message: 'Work after an answer failed' },
  ])
})
