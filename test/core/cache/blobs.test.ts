import { describe, expect, test } from 'vitest'
import { digestOf, makeBytes } from '../../contract/content.ts'
import { createBlobWorld, type BlobWorldOptions } from '../support/blob-world.ts'
import { contentOf } from '../support/images.ts'

const blob = contentOf(makeBytes(1_000))
const empty = contentOf(new Uint8Array(0))
const path = `/v2/app/blobs/${blob.digest}`
const etag = `"${blob.digest}"`

function settle(options: Partial<BlobWorldOptions> = {}) {
  return createBlobWorld({ contents: [blob, empty], ...options })
}

const headers = {
  'content-type': 'application/octet-stream',
  'content-length': '1000',
  'docker-content-digest': blob.digest,
  etag,
  'accept-ranges': 'bytes',
  'docker-distribution-api-version': 'registry/2.0',
  'x-content-type-options': 'nosniff',
}

describe('a whole blob', () => {
  test('comes from upstream the first time and from the store after', async () => {
    const { mirror, takeLines, metric } = settle()
    const cold = await mirror.get(path)
    expect(cold.status).toBe(200)
    expect(Object.fromEntries(cold.headers)).toEqual({
      ...headers,
      'cache-status': 'pullway; fwd=miss; stored',
    })
    expect(cold.bytes).toEqual(blob.bytes)
    await mirror.settle()
    const warm = await mirror.get(path)
    expect(Object.fromEntries(warm.headers)).toEqual({ ...headers, 'cache-status': 'pullway; hit' })
    expect(warm.bytes).toEqual(blob.bytes)
    expect(takeLines()).toEqual(['GET app'])
    expect(
      await metric('cache_requests_total{upstream="registry.test",kind="blob",result="hit"}'),
    ).toBe(1)
    expect(await metric('upstream_bytes_total')).toBe(1_000)
  })

  test('by HEAD moves no bytes', async () => {
    const { mirror, takeLines } = settle()
    for (const status of ['pullway; fwd=miss', 'pullway; fwd=miss']) {
      const head = await mirror.head(path)
      expect(Object.fromEntries(head.headers)).toEqual({ ...headers, 'cache-status': status })
      expect(head.bytes).toHaveLength(0)
    }
    expect(takeLines()).toEqual(['HEAD app', 'HEAD app'])
    await mirror.get(path)
    await mirror.settle()
    expect((await mirror.head(path)).headers.get('cache-status')).toBe('pullway; hit')
    expect(takeLines()).toEqual(['GET app'])
  })

  test.each([
    [empty, 'of nothing'],
    [contentOf(makeBytes(1)), 'of one byte'],
    [{ ...blob, digest: digestOf(blob.bytes, 'sha512') }, 'by sha512'],
  ])('%#: %s', async (content) => {
    const { mirror, takeLines } = settle({ contents: [content] })
    for (const status of ['pullway; fwd=miss; stored', 'pullway; hit']) {
      const answer = await mirror.get(`/v2/app/blobs/${content.digest}`)
      expect(answer.bytes).toEqual(content.bytes)
      expect(answer.headers.get('content-length')).toBe(String(content.bytes.byteLength))
      expect(answer.headers.get('cache-status')).toBe(status)
      await mirror.settle()
    }
    expect(takeLines()).toEqual(['GET app'])
  })

  test('of a size that nobody tells', async () => {
    const { mirror, takeLines } = settle({ tellsLength: false })
    const cold = await mirror.get(path)
    expect([cold.status, cold.headers.get('content-length')]).toEqual([200, null])
    expect(cold.bytes).toEqual(blob.bytes)
    await mirror.settle()
    const warm = await mirror.get(path)
    expect(warm.headers.get('content-length')).toBe('1000')
    expect(takeLines()).toEqual(['GET app'])
  })
})

describe('a part of a stored blob', () => {
  const rows = [
    ['bytes=0-9', 206, 'bytes 0-9/1000', [0, 9]],
    ['bytes=990-', 206, 'bytes 990-999/1000', [990, 999]],
    ['bytes=0-', 206, 'bytes 0-999/1000', [0, 999]],
    ['bytes=-10', 206, 'bytes 990-999/1000', [990, 999]],
    ['bytes=-5000', 206, 'bytes 0-999/1000', [0, 999]],
    ['bytes=500-5000', 206, 'bytes 500-999/1000', [500, 999]],
    ['bytes=1000-', 416, 'bytes */1000', undefined],
    ['bytes=-0', 416, 'bytes */1000', undefined],
    // What cannot be understood is not there (RFC 9110, section 14.2).
    ['bytes=0-1,5-6', 200, null, [0, 999]],
    ['bytes=9-0', 200, null, [0, 999]],
    ['lines=1-2', 200, null, [0, 999]],
  ] as const

  test.each(rows)('%s: %i %s', async (range, status, contentRange, bytes) => {
    for (const isWarm of [true, false]) {
      const { mirror } = settle()
      if (isWarm) await mirror.get(path)
      await mirror.settle()
      const answer = await mirror.drive(mirror.get(path, { range }))
      expect([answer.status, answer.headers.get('content-range')]).toEqual([status, contentRange])
      if (!bytes) {
        expect(answer.code).toBe('RANGE_INVALID')
        continue
      }
      expect(answer.bytes).toEqual(blob.bytes.slice(bytes[0], bytes[1] + 1))
      expect(answer.headers.get('content-length')).toBe(String(bytes[1] + 1 - bytes[0]))
      expect(answer.headers.get('accept-ranges')).toBe('bytes')
      expect(answer.headers.get('etag')).toBe(etag)
      await mirror.settle()
    }
  })

  test.each([
    [etag, 206],
    [`W/${etag}`, 200],
    ['"other"', 200],
    ['Sat, 21 Nov 2026 00:00:00 GMT', 200],
  ])('If-Range: %s is %i', async (ifRange, status) => {
    const { mirror } = settle()
    await mirror.get(path)
    await mirror.settle()
    const answer = await mirror.get(path, { range: 'bytes=1-2', 'if-range': ifRange })
    expect(answer.status).toBe(status)
  })

  test('of an empty one cannot be had', async () => {
    const { mirror } = settle()
    const emptyPath = `/v2/app/blobs/${empty.digest}`
    await mirror.get(emptyPath)
    await mirror.settle()
    expect((await mirror.get(emptyPath, { range: 'bytes=0-0' })).status).toBe(416)
  })
})

describe('a blob that the client has', () => {
  test.each(['GET', 'HEAD'])('%s is 304, whether we have it or not', async (method) => {
    const { mirror, takeLines } = settle()
    const ask = () => mirror.fetch(path, { method, headers: { 'if-none-match': etag } })
    const cold = await ask()
    expect([cold.status, cold.body]).toEqual([304, null])
    expect(cold.headers.get('etag')).toBe(etag)
    // That it is the same says its digest; that it is there says the upstream.
    expect(takeLines()).toEqual(['HEAD app'])
    await mirror.get(path)
    await mirror.settle()
    expect((await ask()).status).toBe(304)
    expect(takeLines()).toEqual(['GET app'])
  })

  test('in another version is sent', async () => {
    const { mirror } = settle()
    const answer = await mirror.get(path, { 'if-none-match': `"${empty.digest}"` })
    expect([answer.status, answer.bytes.byteLength]).toEqual([200, 1_000])
  })
})

describe('a blob that is not to be had', () => {
  test.each([
    [404, '', 404, 'BLOB_UNKNOWN'],
    [401, '', 403, 'DENIED'],
    [403, 'application/json', 403, 'DENIED'],
    [403, 'text/html', 503, 'UNAVAILABLE'],
    [429, '', 429, 'TOOMANYREQUESTS'],
    [500, '', 503, 'UNAVAILABLE'],
    [504, '', 504, 'UNAVAILABLE'],
  ])('upstream says %i (%s): %i %s', async (status, type, told, code) => {
    const { mirror } = settle({
      answer: () =>
        new Response('', { status, headers: type === '' ? {} : { 'content-type': type } }),
    })
    for (const answer of [await mirror.get(path), await mirror.head(path)])
      expect(answer.status).toBe(told)
    expect((await mirror.get(path)).code).toBe(code)
  })

  test('a blob of nothing that should be something is no empty answer', async () => {
    const { mirror, store } = settle({
      answer: () => new Response(null, { headers: { 'content-length': '0' } }),
    })
    const answer = await mirror.get(path)
    expect([answer.status, answer.code]).toEqual([503, 'UNAVAILABLE'])
    await mirror.settle()
    expect(await store.stat(blob.digest)).toBeUndefined()
  })

  test('a wrong length of a HEAD, which nobody can verify, spoils no GET', async () => {
    const { mirror, store } = settle({
      answer: ({ method }) =>
        method === 'HEAD'
          ? new Response(null, { headers: { 'content-length': '999' } })
          : new Response(blob.bytes, { headers: { 'content-length': '1000' } }),
    })
    await mirror.head(path)
    expect((await mirror.get(path)).bytes).toEqual(blob.bytes)
    await mirror.settle()
    expect(await store.stat(blob.digest)).toEqual({ size: 1_000 })
  })
})

test('a blob that was removed from the store comes from upstream again', async () => {
  const { mirror, store, takeLines } = settle()
  await mirror.get(path)
  await mirror.settle()
  await store.remove(blob.digest)
  expect((await mirror.get(path)).headers.get('cache-status')).toBe('pullway; fwd=miss; stored')
  expect(takeLines()).toEqual(['GET app', 'GET app'])
})
