import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type Progress, sendAnswer } from '../../adapters/lambda/src/answer.ts'
import { createResponseStream, type FakeResponseStream } from './response-stream.ts'

const chunkBytes = 64 * 1024
const layerBytes = 64 * 1024 * 1024

interface LazyBody {
  readonly body: ReadableStream<Uint8Array>
  readonly madeBytes: number
  readonly isCancelled: boolean
}

/** Makes each chunk when it is asked for. */
function createLazyBody(totalBytes: number, breaksAt = Infinity): LazyBody {
  const made = { bytes: 0, isCancelled: false }
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (made.bytes >= breaksAt) {
          controller.error(new Error('The upstream broke off'))
        } else if (made.bytes >= totalBytes) {
          controller.close()
        } else {
          made.bytes += chunkBytes
          controller.enqueue(new Uint8Array(chunkBytes))
        }
      },
      cancel() {
        made.isCancelled = true
      },
    },
    { highWaterMark: 0 },
  )
  return {
    body,
    get madeBytes() {
      return made.bytes
    },
    get isCancelled() {
      return made.isCancelled
    },
  }
}

function send(response: Response, fake: FakeResponseStream, progress = freshProgress()) {
  return sendAnswer(response, fake.stream, fake.awslambda, progress)
}

function freshProgress(): Progress {
  return { bodyBytes: 0, isComplete: false }
}

test('a layer passes a reader that is slower than the upstream, chunk by chunk', async () => {
  const fake = createResponseStream()
  const layer = createLazyBody(layerBytes)
  const progress = freshProgress()
  let mostHeld = 0
  const watched = layer.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>(
      {
        transform(chunk, controller) {
          mostHeld = Math.max(mostHeld, layer.madeBytes - fake.takenBytes)
          controller.enqueue(chunk)
        },
      },
      { highWaterMark: 1 },
      { highWaterMark: 0 },
    ),
  )
  await send(new Response(watched), fake, progress)
  expect(fake.takenBytes).toBe(layerBytes)
  expect(progress).toEqual({ bodyBytes: layerBytes, isComplete: true })
  expect(mostHeld).toBeGreaterThan(0)
  expect(mostHeld).toBeLessThanOrEqual(5 * chunkBytes)
})

test('for a reader that has stopped nothing is fetched, and its going ends the download', async () => {
  const fake = createResponseStream({ takes: 3 })
  const layer = createLazyBody(layerBytes)
  const progress = freshProgress()
  const sent = send(new Response(layer.body), fake, progress)
  for (let turn = 0; turn < 100; turn++) await nextTurn()
  expect(fake.takenBytes).toBe(3 * chunkBytes)
  expect(layer.madeBytes).toBeLessThanOrEqual(5 * chunkBytes)

  fake.stream.destroy()
  await sent
  expect(layer.isCancelled).toBe(true)
  expect(progress.isComplete).toBe(false)
})

test('a client that goes while the upstream is silent ends the download as well', async () => {
  const fake = createResponseStream()
  let isCancelled = false
  const silent = new ReadableStream<Uint8Array>({ cancel: () => void (isCancelled = true) })
  const sent = send(new Response(silent), fake)
  await nextTurn()
  fake.stream.destroy(new Error('socket hang up'))
  await sent
  expect(isCancelled).toBe(true)
})

test('a body that breaks off is never ended cleanly', async () => {
  const fake = createResponseStream()
  const layer = createLazyBody(layerBytes, 2 * chunkBytes)
  const progress = freshProgress()
  const headers = { 'content-length': `${layerBytes}` }
  const sent = send(new Response(layer.body, { headers }), fake, progress)
  await expect(sent).rejects.toThrow('The upstream broke off')
  expect(fake.metadata?.statusCode).toBe(200)
  expect(fake.stream.destroyed).toBe(true)
  expect(fake.stream.writableEnded).toBe(false)
  expect(progress).toEqual({ bodyBytes: 2 * chunkBytes, isComplete: false })
})

test.each([
  { what: 'a HEAD', status: 200, headers: { 'content-length': '1234' } },
  { what: '304', status: 304, headers: { etag: '"sha256:0"' } },
  { what: '307', status: 307, headers: { location: 'https://cdn.example/layer', a: 'b, c' } },
])('an answer without a body gets through and ends: $what', async ({ status, headers }) => {
  const fake = createResponseStream()
  await send(new Response(null, { status, headers }), fake)
  expect(fake.metadata).toEqual({ statusCode: status, headers })
  expect(fake.stream.writableFinished).toBe(true)
  expect(fake.takenBytes).toBe(0)
})

test('status and headers are on their way before the first byte of a slow body', async () => {
  const fake = createResponseStream()
  const sent = send(new Response(new ReadableStream()), fake)
  await nextTurn()
  expect(fake.metadata?.statusCode).toBe(200)
  fake.stream.destroy()
  await sent
})
