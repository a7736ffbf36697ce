import { expect, test } from 'vitest'
import { S3Error, StreamRefused } from '../../adapters/s3/src/index.ts'
import { type Bytes, digestOf, isSame, makeBytes, readContent } from './content.ts'
import { type Answer, breaksOff, refuses, startTroubled } from './s3-answers.ts'
import { globalFetch, startS3 } from './s3-support.ts'

const bytes = makeBytes(3_000_000)
const digest = digestOf(bytes)

/** `breaksWith`: how it ends instead of well. */
function streamOf(content: Bytes, breaksWith?: Error): ReadableStream<Bytes> {
  return new ReadableStream({
    start(controller) {
      for (let at = 0; at < content.byteLength; at += 65_536) {
        controller.enqueue(content.subarray(at, at + 65_536))
      }
      if (breaksWith) controller.error(breaksWith)
      else controller.close()
    },
  })
}

test('a stream is one request, and its bytes are there', async () => {
  const { store, requests, leftovers } = await startS3({ fetch: globalFetch })
  await store.put(digest, streamOf(bytes), bytes.byteLength)
  expect(requests).toEqual(['PUT'])
  const stored = await store.open(digest)
  expect(isSame(await readContent(stored!), bytes)).toBe(true)
  expect(await leftovers()).toEqual([])
})

test.each<{ what: string; body: ReadableStream<Bytes> }>([
  {
    what: 'one byte is another',
    body: streamOf(bytes.map((byte, at) => (at === 9 ? ~byte : byte))),
  },
  { what: 'there are fewer', body: streamOf(bytes.subarray(0, -1)) },
  { what: 'there are more', body: streamOf(new Uint8Array([...bytes, 0])) },
  { what: 'it breaks off', body: streamOf(bytes, new Error('cut')) },
  { what: 'it brings nothing', body: streamOf(new Uint8Array(0)) },
])('nothing is visible where $what', async ({ body }) => {
  const { store, leftovers } = await startS3({ fetch: globalFetch })
  await expect(store.put(digest, body, bytes.byteLength)).rejects.toThrow()
  await expect.poll(leftovers).toEqual([])
  expect(await store.stat(digest)).toBeUndefined()
})

test.each([
  { what: 'another hash than S3 verifies', name: digestOf(bytes, 'sha512'), size: 3_000_000 },
  { what: 'nothing', name: digestOf(new Uint8Array(0)), size: 0 },
  { what: 'more than one request may have', name: digest, size: 5 * 1024 ** 3 + 1 },
])('$what is refused before anything is sent', async ({ name, size }) => {
  const { store, requests } = await startS3({ fetch: globalFetch })
  const reasons: unknown[] = []
  const body = new ReadableStream<Bytes>({ cancel: (reason) => void reasons.push(reason) })
  await expect(store.put(name, body, size)).rejects.toThrow(StreamRefused)
  expect(requests).toEqual([])
  expect(reasons).toHaveLength(1)
})

test.each<{ what: string; answer: Answer; error: typeof S3Error | typeof StreamRefused }>([
  { what: 'no length', answer: refuses(411, 'MissingContentLength'), error: StreamRefused },
  { what: 'chunks', answer: refuses(501, 'NotImplemented'), error: StreamRefused },
  { what: 'a broken connection', answer: breaksOff, error: StreamRefused },
  { what: 'other bytes', answer: refuses(400, 'XAmzContentSHA256Mismatch'), error: S3Error },
  { what: 'no right', answer: refuses(403, 'AccessDenied'), error: S3Error },
  { what: 'out of order', answer: refuses(500, 'InternalError'), error: S3Error },
])('a refusal, and no second attempt: $what', async ({ answer, error }) => {
  const { connect, requests } = await startTroubled('PUT', [answer])
  const store = connect({ fetch: globalFetch })
  await expect(store.put(digest, streamOf(bytes), bytes.byteLength)).rejects.toThrow(error)
  expect(requests).toEqual(['PUT'])
})
