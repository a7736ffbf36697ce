import type { BlobStore } from '@pullway/core'
import { describe, expect, test } from 'vitest'
import { createFakeClock } from '../fakes/clock.ts'
import { put } from './blob-store.ts'
import { digestOf, makeBytes } from './content.ts'
import { closedPort } from './peer.ts'
import { type Answer, breaksOff, refuses, startTroubled } from './s3-answers.ts'
import { connectTo, createGate, createHastyClock, startS3 } from './s3-support.ts'

const mib = 1024 * 1024
const small = makeBytes(100)
const large = makeBytes(12 * mib)
interface Operation {
  readonly name: string
  readonly run: (store: BlobStore) => Promise<unknown>
}

const operations: readonly Operation[] = [
  { name: 'HEAD', run: (store) => store.stat(digestOf(small)) },
  { name: 'GET', run: (store) => store.open(digestOf(small)) },
  { name: 'DELETE', run: (store) => store.remove(digestOf(small)) },
  { name: 'PUT', run: (store) => put(store, digestOf(small), small) },
  { name: 'part 2', run: (store) => put(store, digestOf(large), large) },
  { name: 'complete', run: (store) => put(store, digestOf(large), large) },
]

describe.each(operations)('$name', ({ name, run }) => {
  test.each([
    { trouble: 'a service out of order', answer: refuses(500, 'InternalError') },
    { trouble: 'a busy service', answer: refuses(503, 'SlowDown') },
    { trouble: 'too many requests', answer: refuses(429, 'TooManyRequests') },
    { trouble: 'a broken connection', answer: breaksOff },
  ])('outlives $trouble twice, not three times', async ({ answer }) => {
    const twice = await startTroubled(name, [answer, answer])
    await run(twice.store)
    expect(twice.requests.filter((request) => request === name)).toHaveLength(3)
    expect(twice.clock.pauses).toEqual([100, 400])

    const thrice = await startTroubled(name, [answer, answer, answer])
    await expect(run(thrice.store)).rejects.toThrow()
    expect(thrice.requests.filter((request) => request === name)).toHaveLength(3)
  })

  test('is not repeated where it was refused', async () => {
    const s3 = await startTroubled(name, [refuses(403, 'AccessDenied')])
    const code = name === 'HEAD' ? '' : ' AccessDenied'
    await expect(run(s3.store)).rejects.toThrow(
      new RegExp(`^S3 answered 403${code} to \\w+ blobs/`),
    )
    expect(s3.requests.filter((request) => request === name)).toHaveLength(1)
  })

  test('follows no redirect', async () => {
    const elsewhere: Answer = (response) => {
      response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end()
    }
    const s3 = await startTroubled(name, [elsewhere])
    await expect(run(s3.store)).rejects.toThrow('S3 answered 307')
  })
})

test('an upload is begun once: a second one would be left behind', async () => {
  for (const answer of [breaksOff, refuses(500, 'InternalError')]) {
    const { store, requests } = await startTroubled('create', [answer])
    await expect(put(store, digestOf(large), large)).rejects.toThrow()
    expect(requests).toEqual(['create'])
  }
})

test('no service at all', async () => {
  const clock = createHastyClock()
  const store = connectTo(`http://127.0.0.1:${await closedPort()}`, { clock })
  for (const { run } of operations) await expect(run(store)).rejects.toThrow()
})

test('a service that never answers is not waited for', async () => {
  const clock = createFakeClock()
  const asked = createGate()
  const s3 = await startS3(
    { clock },
    {
      intercept() {
        asked.open()
        return true
      },
    },
  )
  const waiting = expect(s3.store.stat(digestOf(small))).rejects.toThrow('in time')
  await asked.opened
  await clock.advance(5_000)
  await waiting
  expect(clock.sleepers).toBe(0)
})

describe('an object is not taken from', () => {
  const range = { first: 2, last: 5 }
  test.each([
    { what: 'no length', headers: {}, status: 200 },
    { what: 'a part that nobody wanted', headers: { 'content-length': 4 }, status: 206 },
    { what: 'a part of unknown place', headers: { 'content-length': 4 }, status: 206, range },
    { what: 'another part', headers: { 'content-range': 'bytes 3-6/10' }, status: 206, range },
    { what: 'the whole instead of a part', headers: { 'content-length': 10 }, status: 200, range },
  ])('$what', async ({ status, headers, range }) => {
    const answer: Answer = (response) => {
      response.writeHead(status, headers).write('0123')
    }
    const { store } = await startTroubled('GET', [answer])
    await expect(store.open(digestOf(small), range)).rejects.toThrow('S3 gave')
  })

  test('half of the bytes', async () => {
    const answer: Answer = (response) => {
      response.writeHead(200, { 'content-length': 10 }).write('01234', () => response.destroy())
    }
    const { store } = await startTroubled('GET', [answer])
    await expect(store.open(digestOf(small))).rejects.toThrow()
  })
})
