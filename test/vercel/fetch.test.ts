import { gzipSync } from 'node:zlib'
import { FetchError } from '@pullway/core'
import { expect, test } from 'vitest'
import { createFetch } from '../../adapters/vercel/src/fetch.ts'
import { closedPort, startPeer } from '../contract/peer.ts'

const fetch = createFetch((request, init) => globalThis.fetch(request, init))
const any = { network: 'any' } as const

test('a redirect is an answer like others', async () => {
  const peer = await startPeer((_, response) =>
    response.writeHead(307, { location: '/elsewhere' }).end(),
  )
  const response = await fetch(new Request(peer.origin), any)
  expect([response.status, response.headers.get('location')]).toEqual([307, '/elsewhere'])
})

test('what the runtime has decoded has no longer the length and the encoding it came with', async () => {
  const packed = gzipSync('a manifest')
  const peer = await startPeer((_, response) =>
    response
      .writeHead(200, { 'content-encoding': 'gzip', 'content-length': packed.length, etag: '"1"' })
      .end(packed),
  )
  const response = await fetch(new Request(peer.origin), any)
  expect(Object.fromEntries(response.headers)).toMatchObject({ etag: '"1"' })
  expect(response.headers.has('content-encoding')).toBe(false)
  expect(response.headers.has('content-length')).toBe(false)
  expect(await response.text()).toBe('a manifest')
})

test('a plain answer keeps its length', async () => {
  const peer = await startPeer((_, response) =>
    response.writeHead(200, { 'content-length': 4 }).end('good'),
  )
  const response = await fetch(new Request(peer.origin), any)
  expect(response.headers.get('content-length')).toBe('4')
})

test('nobody answers: a FetchError with the origin, and not what may be signed', async () => {
  const port = await closedPort()
  const failed = fetch(new Request(`http://127.0.0.1:${port}/blob?Signature=x`), any)
  const error = await failed.then(
    () => expect.fail('an answer came'),
    (reason: unknown) => reason as FetchError,
  )
  expect(error).toBeInstanceOf(FetchError)
  expect(error.failure).toBe('unreachable')
  expect(error.message).toContain(`http://127.0.0.1:${port}: `)
  expect(error.message).not.toContain('Signature')
})

test.each(['before it begins', 'while it waits'])('given up %s: its own reason', async (when) => {
  const stop = new AbortController()
  const reason = new Error('as asked')
  const peer = await startPeer(() => stop.abort(reason))
  if (when === 'before it begins') stop.abort(reason)
  const failed = fetch(new Request(peer.origin, { signal: stop.signal }), any)
  await expect(failed).rejects.toBe(reason)
})
