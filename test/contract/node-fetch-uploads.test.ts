import { createHash } from 'node:crypto'
import { expect, onTestFinished, test } from 'vitest'
import { createNodeFetch, type NodeFetch } from '../../adapters/node/src/fetch.ts'
import { startPeer, startRawPeer } from './peer.ts'

const streamed = { network: 'any', streamsBody: true } as const
const size = 8 * 2 ** 20

function makeFetch(): NodeFetch {
  const fetch = createNodeFetch({ connectMs: 5000 })
  onTestFinished(() => fetch.close())
  return fetch
}

/** A body made while it is read; `given` tells how far it was read, `cancelled` that it was given up. */
function makeBody(bytes = size) {
  const chunk = new Uint8Array(64 * 1024).fill(7)
  const seen = { given: 0, isCancelled: false }
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (seen.given >= bytes) {
          controller.close()
          return
        }
        seen.given += chunk.byteLength
        controller.enqueue(chunk)
      },
      cancel() {
        seen.isCancelled = true
      },
    },
    { highWaterMark: 0 },
  )
  return { stream, seen }
}

function put(origin: string, body: ReadableStream<Uint8Array>, headers = {}, signal?: AbortSignal) {
  const init = { method: 'PATCH', headers, body, duplex: 'half', ...(signal && { signal }) }
  return new Request(`${origin}/v2/a/blobs/uploads/1`, init)
}

test.each([
  ['with its length', { 'content-length': String(size) }, { length: String(size), coding: '' }],
  ['in chunks where it is not known', {}, { length: '', coding: 'chunked' }],
])('a streamed body goes %s', async (_, headers, expected) => {
  const peer = await startPeer((request, response) => {
    const hash = createHash('sha256')
    request.on('data', (chunk: Buffer) => hash.update(chunk))
    request.on('end', () => {
      const { 'content-length': length = '', 'transfer-encoding': coding = '' } = request.headers
      response.end(JSON.stringify({ length, coding, hex: hash.digest('hex') }))
    })
  })
  const response = await makeFetch()(put(peer.origin, makeBody().stream, headers), streamed)
  const hex = createHash('sha256').update(Buffer.alloc(size, 7)).digest('hex')
  expect(await response.json()).toEqual({ ...expected, hex })
})

test('an answer before the body is the answer, and the body is read no further', async () => {
  const peer = await startPeer((request, response) => {
    request.pause()
    response.writeHead(401, { 'www-authenticate': 'Bearer realm="x"' }).end('no')
  })
  const { stream, seen } = makeBody(1024 * 2 ** 20)
  const response = await makeFetch()(put(peer.origin, stream), streamed)
  expect([response.status, await response.text()]).toEqual([401, 'no'])
  await expect.poll(() => seen.isCancelled).toBe(true)
  expect(seen.given).toBeLessThan(64 * 2 ** 20)
})

test('a body waits for an upstream that does not read', async () => {
  const peer = await startRawPeer((socket) => {
    socket.pause()
  })
  const abort = new AbortController()
  const { stream, seen } = makeBody(1024 * 2 ** 20)
  const fetched = makeFetch()(put(peer.origin, stream, {}, abort.signal), streamed)
  fetched.catch(() => undefined)
  await expect.poll(() => seen.given).toBeGreaterThan(0)
  let before = -1
  await expect
    .poll(
      () => {
        const isStill = seen.given === before
        before = seen.given
        return isStill
      },
      { interval: 200 },
    )
    .toBe(true)
  expect(seen.given).toBeLessThan(64 * 2 ** 20)
  abort.abort(new Error('given up'))
  await expect(fetched).rejects.toThrow('given up')
  await expect.poll(() => seen.isCancelled).toBe(true)
})

test('a body that breaks off breaks the request off', async () => {
  let isAborted = false
  const peer = await startPeer((request) => {
    request.on('error', () => {
      isAborted = true
    })
    request.resume()
  })
  let count = 0
  const broken = new ReadableStream<Uint8Array>({
    pull(controller) {
      count += 1
      if (count > 3) controller.error(new Error('the client is gone'))
      else controller.enqueue(new Uint8Array(1000))
    },
  })
  await expect(makeFetch()(put(peer.origin, broken), streamed)).rejects.toThrow()
  await expect.poll(() => isAborted).toBe(true)
})
