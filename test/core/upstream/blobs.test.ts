import { describe, expect, test } from 'vitest'
import { downloadBlob, headBlob } from '../../../core/src/upstream/blobs.ts'
import { digestOf, makeBytes } from '../../contract/content.ts'
import { rejectionOf } from '../support/caught.ts'
import { createControlledBody } from '../support/controlled-body.ts'
import { readToEnd } from '../support/reading.ts'
import type { Play } from '../support/scripted-fetch.ts'
import { createUpstreamWorld } from '../support/upstream-world.ts'

const bytes = makeBytes(100)
const digest = digestOf(bytes)

function settle(play: Play) {
  const { script, upstream, deadline } = createUpstreamWorld(play)
  return { script, upstream, question: { repository: 'app', digest, deadline: deadline() } }
}

function partial(contentRange: string | undefined, body: Uint8Array<ArrayBuffer>): Response {
  return new Response(body, {
    status: 206,
    headers: contentRange === undefined ? {} : { 'content-range': contentRange },
  })
}

describe('a download', () => {
  test.each([
    [{ 'content-length': '100' }, 100],
    [{}, undefined],
    [{ 'content-length': 'many' }, undefined],
    [{ 'content-length': '9'.repeat(16) }, undefined],
  ])('with %j', async (headers, size) => {
    const { script, upstream, question } = settle(() => new Response(bytes, { headers }))
    const { body, ...facts } = await downloadBlob(upstream, question)
    expect(facts).toMatchObject({ position: 0, size })
    expect((await readToEnd(body)).bytes).toEqual(bytes)
    expect(script.calls[0]!.headers.get('range')).toBeNull()
  })

  test('of nothing', async () => {
    const { upstream, question } = settle(
      () => new Response(null, { headers: { 'content-length': '0' } }),
    )
    const { body, size } = await downloadBlob(upstream, question)
    expect(size).toBe(0)
    expect((await readToEnd(body)).bytes).toHaveLength(0)
  })

  test.each([
    ['bytes 10-19/100', 10, 100],
    ['bytes 10-19/*', 10, undefined],
    ['bytes 10-99/100', 10, 100],
  ])('of a part, answered with %s', async (contentRange, position, size) => {
    const { script, upstream, question } = settle(() =>
      partial(contentRange, bytes.subarray(10, 20)),
    )
    const download = await downloadBlob(upstream, question, { first: 10, last: 19 })
    expect(download).toMatchObject({ position, size })
    // Closed: some registries answer 416 to `bytes=10-`.
    expect(script.calls[0]!.headers.get('range')).toBe('bytes=10-19')
  })

  test('of a part, answered with the whole', async () => {
    const { upstream, question } = settle(
      () => new Response(bytes, { headers: { 'content-length': '100' } }),
    )
    const download = await downloadBlob(upstream, question, { first: 10, last: 19 })
    expect(download).toMatchObject({ position: 0, size: 100 })
  })

  test.each([undefined, 'bytes 0-9/100', 'bytes 11-19/100', 'bytes */100', 'nonsense'])(
    'of a part, answered with another one (%s), is trouble',
    async (contentRange) => {
      const body = createControlledBody()
      const { upstream, question } = settle(
        () =>
          new Response(body.stream, {
            status: 206,
            headers: contentRange === undefined ? {} : { 'content-range': contentRange },
          }),
      )
      const error = await rejectionOf(downloadBlob(upstream, question, { first: 10, last: 19 }))
      expect(error).toMatchObject({ name: 'UpstreamTrouble', reason: 'server-error' })
      expect(body.isCancelled).toBe(true)
    },
  )

  test('that was not asked in parts does not come in parts', async () => {
    const { upstream, question } = settle(() => partial('bytes 0-9/100', bytes.subarray(0, 10)))
    expect(await rejectionOf(downloadBlob(upstream, question))).toMatchObject({
      name: 'UpstreamTrouble',
    })
  })
})

describe('asking whether a repository holds a blob', () => {
  const length = (size: number): Response =>
    new Response(null, { headers: { 'content-length': String(size) } })

  test('HEAD is enough', async () => {
    const { script, upstream, question } = settle(() => length(100))
    expect(await headBlob(upstream, question)).toEqual({ size: 100 })
    expect(script.calls.map(({ method }) => method)).toEqual(['HEAD'])
  })

  test('404 is the answer, too', async () => {
    const { script, upstream, question } = settle(() => new Response('', { status: 404 }))
    expect(await rejectionOf(headBlob(upstream, question))).toMatchObject({
      code: 'BLOB_UNKNOWN',
    })
    expect(script.calls).toHaveLength(1)
  })

  test.each([
    ['no length', () => new Response(null)],
    ['401', () => new Response('', { status: 401 })],
    ['403', () => new Response('', { status: 403 })],
    ['500', () => new Response('', { status: 500 })],
  ])('%s: the first byte tells as much', async (_, head) => {
    const { script, upstream, question } = settle(({ method }) =>
      method === 'HEAD' ? head() : partial('bytes 0-0/100', bytes.subarray(0, 1)),
    )
    expect(await headBlob(upstream, question)).toEqual({ size: 100 })
    expect(script.calls.map(({ method, headers }) => [method, headers.get('range')])).toEqual([
      ['HEAD', null],
      ['GET', 'bytes=0-0'],
    ])
  })

  test.each([
    [
      'the whole',
      () => new Response(createControlledBody().stream, { headers: { 'content-length': '100' } }),
      100,
    ],
    ['the whole without a length', () => new Response(createControlledBody().stream), undefined],
    ['416 for an empty blob', () => new Response('', { status: 416 }), 0],
    ['a part of nobody knows what', () => partial('bytes 0-0/*', bytes.subarray(0, 1)), undefined],
  ])('the first byte, answered with %s', async (_, answer, size) => {
    const { upstream, question } = settle(({ method }) =>
      method === 'HEAD' ? new Response(null) : answer(),
    )
    expect(await headBlob(upstream, question)).toEqual({ size })
  })

  test('the body that is not wanted is let go', async () => {
    const body = createControlledBody()
    const { upstream, question } = settle(({ method }) =>
      method === 'HEAD' ? new Response(null) : new Response(body.stream),
    )
    await headBlob(upstream, question)
    expect(body.isCancelled).toBe(true)
  })

  test('a no to both is a no', async () => {
    const { upstream, question } = settle(() => new Response('', { status: 403 }))
    expect(await rejectionOf(headBlob(upstream, question))).toMatchObject({ code: 'DENIED' })
  })

  test('a rate limit is not asked a second time', async () => {
    const { script, upstream, question } = settle(() => new Response('', { status: 429 }))
    expect(await rejectionOf(headBlob(upstream, question))).toMatchObject({
      reason: 'rate-limited',
    })
    expect(script.calls).toHaveLength(1)
  })
})
