import { randomBytes } from 'node:crypto'
import { mkdtemp, open, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Digest } from '@pullway/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../adapters/node/src/clock.ts'
import { createFilesystemBlobStore } from '../../adapters/node/src/filesystem-blob-store.ts'
import {
  connectRaw,
  createRecordingLogger,
  eventually,
  openFilesUnder,
  startTestServer,
  type TestServer,
} from './node-support.ts'

const size = 5 * 1024 * 1024 + 123
const bytes = randomBytes(size)
const digest: Digest = `sha256:${'a'.repeat(64)}`
const get = 'GET / HTTP/1.1\r\nHost: mirror.test\r\n\r\n'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pullway-files-'))
  await keep(digest)
})

afterAll(() => rm(folder, { recursive: true }))

const store = (): ReturnType<typeof createFilesystemBlobStore> =>
  createFilesystemBlobStore({ path: folder, clock: systemClock, logger: createRecordingLogger() })

async function keep(name: Digest): Promise<void> {
  const write = await store().write(name, size)
  await write.append([bytes])
  await write.commit()
  await write.release()
}

interface Sent {
  readonly bodyBytes: number
  readonly isComplete: boolean
}

/** Answers every request with the stored blob, or the range that its query names. */
async function startFileServer(name = digest): Promise<TestServer & { readonly sent: Sent[] }> {
  const sent: Sent[] = []
  const blobs = store()
  const server = await startTestServer(async (request, context) => {
    context.whenSent?.((bodyBytes, isComplete) => sent.push({ bodyBytes, isComplete }))
    const { searchParams } = new URL(request.url)
    const [first = 0, last = size - 1] = searchParams.getAll('byte').map(Number)
    const blob = await blobs.open(name, { first, last })
    return new Response(blob?.content ?? null, {
      headers: { 'content-length': String(last - first + 1) },
    })
  })
  return { ...server, sent }
}

async function read(url: string): Promise<Buffer> {
  return Buffer.from(await (await fetch(url)).arrayBuffer())
}

describe('a stored blob', () => {
  test.each([
    ['whole', '', 0, size - 1],
    ['its beginning', '?byte=0&byte=2000000', 0, 2_000_000],
    ['its middle', '?byte=70001&byte=1700001', 70_001, 1_700_001],
    ['its end', `?byte=1048576&byte=${size - 1}`, 1_048_576, size - 1],
    ['a few bytes', '?byte=70001&byte=70010', 70_001, 70_010],
  ])('%s comes byte for byte', async (_, query, first, last) => {
    await using server = await startFileServer()
    const body = await read(`${server.url}/${query}`)
    expect(body.equals(bytes.subarray(first, last + 1))).toBe(true)
    await eventually(() => server.sent.length === 1)
    expect(server.sent).toEqual([{ bodyBytes: last - first + 1, isComplete: true }])
  })

  test('comes whole to sixty clients at once, each from its own place', async () => {
    await using server = await startFileServer()
    const starts = Array.from({ length: 60 }, (_, index) => index * 1000)
    const bodies = await Promise.all(
      starts.map((start) => read(`${server.url}/?byte=${start}&byte=${start + 999_999}`)),
    )
    const isRight = bodies.map((body, index) =>
      body.equals(bytes.subarray(index * 1000, index * 1000 + 1_000_000)),
    )
    expect(isRight).not.toContain(false)
    await eventually(() => openFilesUnder(folder) === 0)
  })

  test('leaves no file open behind two hundred clients that reset', async () => {
    await using server = await startFileServer()
    for (let round = 0; round < 200; round += 1) {
      const client = connectRaw(server.port)
      client.socket.write(get)
      await client.until('\r\n\r\n')
      client.socket.resetAndDestroy()
      await client.ended
    }
    await eventually(() => openFilesUnder(folder) === 0 && server.sent.length === 200)
    expect(server.sent.filter(({ isComplete }) => isComplete)).toEqual([])
    expect((await read(server.url)).equals(bytes)).toBe(true)
    expect(server.logger.records).toEqual([])
  })

  test('is opened once for a client that sends a thousand requests and reads none', async () => {
    await using server = await startFileServer()
    const client = connectRaw(server.port)
    client.socket.pause()
    client.socket.write(get.repeat(1000))
    await eventually(() => openFilesUnder(folder) > 0)
    // One more turn for each: whatever could begin has begun.
    for (let turn = 0; turn < 1000; turn += 1) await new Promise(setImmediate)
    expect(openFilesUnder(folder)).toBe(1)
    client.socket.resetAndDestroy()
    await eventually(() => openFilesUnder(folder) === 0)
  })

  test('comes in turn for requests that were sent together', async () => {
    await using server = await startFileServer()
    const client = connectRaw(server.port)
    const last = 'GET /?byte=0&byte=65 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
    client.socket.write(`${get}${get}${last}`)
    expect(await client.ended).toBe('end')
    const bodies = client.received().split(/HTTP\/1\.1 [^]*?\r\n\r\n/)
    expect(bodies.map((body) => body.length)).toEqual([0, size, size, 66])
  })

  test('that the disk cuts short breaks the answer', async () => {
    const shrunk: Digest = `sha256:${'b'.repeat(64)}`
    await keep(shrunk)
    await using server = await startFileServer(shrunk)
    const client = connectRaw(server.port)
    client.socket.write(get)
    await client.until('\r\n\r\n')
    client.socket.pause()
    await truncate(join(folder, 'blobs/sha256/bb', 'b'.repeat(64)), 100)
    client.socket.resume()
    await client.ended
    expect(client.received().length).toBeLessThan(size)
    expect(server.logger.records).toEqual([{ level: 'warn', message: 'An answer broke off' }])
    expect(openFilesUnder(folder)).toBe(0)
  })

  test('is closed when only its headers were asked for', async () => {
    await using server = await startFileServer()
    const answer = await fetch(server.url, { method: 'HEAD' })
    expect(answer.headers.get('content-length')).toBe(String(size))
    await eventually(() => server.sent.length === 1)
    expect(server.sent).toEqual([{ bodyBytes: 0, isComplete: true }])
    expect(openFilesUnder(folder)).toBe(0)
  })
})

test('the count of open files sees an open file', async () => {
  const handle = await open(join(folder, 'blobs/sha256/aa', 'a'.repeat(64)))
  expect(openFilesUnder(folder)).toBe(1)
  await handle.close()
})
