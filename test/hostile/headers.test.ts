import { describe, expect, test } from 'vitest'
import { readAnswer } from '../fakes/mirror.ts'
import { mediaTypes } from '../fakes/registry/index.ts'
import { expectHarmless, image, settle } from './hostile.ts'

const blob = image.blobs[1]!
const size = blob.bytes.length
const blobPath = `/v2/owner/name/blobs/${blob.digest}`
const manifestPath = '/v2/owner/name/manifests/latest'

/** 200: whatever cannot be read is as if it were not there (RFC 9110, section 14.2). */
const ranges: readonly [string, number, number?][] = [
  ['bytes=0-0', 206, 1],
  [`bytes=${size - 1}-`, 206, 1],
  [`bytes=0-${'9'.repeat(300)}`, 206, size],
  [`bytes=-${'9'.repeat(300)}`, 206, size],
  [`bytes=${'9'.repeat(300)}-`, 416],
  ['bytes=0-1e400', 200, size],
  [`bytes=${size}-`, 416],
  [`bytes=${size}-${size + 5}`, 416],
  ['bytes=9007199254740993-9007199254740993', 416],
  ['bytes=-0', 416],
  ['bytes=', 200, size],
  ['bytes=-', 200, size],
  ['bytes=--1', 200, size],
  ['bytes=1--2', 200, size],
  ['bytes=5-2', 200, size],
  ['bytes=a-b', 200, size],
  ['bytes=0x0-0x5', 200, size],
  ['bytes=1.5-2', 200, size],
  ['bytes=+1-2', 200, size],
  ['bytes=0-1,3-4', 200, size],
  [`bytes=${'0-1,'.repeat(5_000)}0-1`, 200, size],
  [`bytes=0-${','.repeat(20_000)}`, 200, size],
  ['bits=0-1', 200, size],
  ['items=0-5', 200, size],
  ['none', 200, size],
  ['', 200, size],
  ['\u00ff', 200, size],
  [`bytes${' '.repeat(20_000)}=0-1`, 206, 2],
]

describe.each(['cold', 'warm'] as const)('Range, %s', (round) => {
  test.each(ranges.map(([range, ...rest]) => [range.slice(0, 60), range, ...rest] as const))(
    '%s',
    async (_, range, status, length) => {
      const setting = settle()
      if (round === 'warm') await setting.mirror.get(blobPath)
      await setting.mirror.settle()
      const answer = await setting.mirror.get(blobPath, { range })
      expectHarmless(answer, setting)
      expect(answer.status).toBe(status)
      if (length !== undefined) expect(answer.bytes).toHaveLength(length)
      if (status === 416) expect(answer.headers.get('content-range')).toBe(`bytes */${size}`)
      const head = await setting.mirror.head(blobPath, { range })
      expect([200, status]).toContain(head.status)
      // Whatever was cut out of it, the cache holds the whole.
      await setting.mirror.settle()
      const whole = await setting.mirror.get(blobPath)
      expect(Buffer.compare(whole.bytes, blob.bytes)).toBe(0)
    },
  )
})

const accepts: readonly [string, number][] = [
  ['', 200],
  ['*', 404],
  ['*/*;q=0', 404],
  ['*/*;q=0.000', 404],
  ['application/*', 200],
  ['text/*', 404],
  ['application/json', 200],
  ['a/b, c/d;e="f,g"', 404],
  [',,,,', 404],
  [';;;;', 404],
  ['application/vnd.oci.image.index.v1+json;q=0', 404],
  ['APPLICATION/VND.OCI.IMAGE.INDEX.V1+JSON', 200],
  [`${mediaTypes.ociIndex};charset=utf-8`, 200],
  [`${mediaTypes.ociIndex}\u00e4`, 404],
  [`${'a/b,'.repeat(10_000)}${mediaTypes.ociIndex}`, 200],
  ['a'.repeat(50_000), 404],
  ['__proto__', 404],
  ['constructor/prototype', 404],
]

test.each(accepts.map(([accept, status]) => [accept.slice(0, 60), accept, status] as const))(
  'Accept: %s',
  async (_, accept, status) => {
    const setting = settle()
    const answer = await setting.mirror.get(manifestPath, { accept })
    expectHarmless(answer, setting)
    expect(answer.status).toBe(status)
    if (status === 404) expect(answer.code).toBe('MANIFEST_UNKNOWN')
    expect((await setting.mirror.get(manifestPath)).status, 'nobody else is harmed').toBe(200)
  },
)

const tag = `"${blob.digest}"`

const conditions: readonly [Record<string, string>, number][] = [
  [{ 'if-none-match': tag }, 304],
  [{ 'if-none-match': `W/${tag}` }, 304],
  [{ 'if-none-match': '*' }, 304],
  [{ 'if-none-match': `"a", ${tag}` }, 304],
  [{ 'if-none-match': blob.digest }, 200],
  [{ 'if-none-match': '"' }, 200],
  [{ 'if-none-match': '"a",'.repeat(10_000) }, 200],
  [{ 'if-none-match': `${tag}x` }, 200],
  [{ 'if-match': '"other"' }, 200],
  [{ 'if-modified-since': 'Thu, 01 Jan 1970 00:00:00 GMT' }, 200],
  [{ 'if-modified-since': 'garbage' }, 200],
  [{ 'if-range': tag, range: 'bytes=0-4' }, 206],
  [{ 'if-range': `W/${tag}`, range: 'bytes=0-4' }, 200],
  [{ 'if-range': '"other"', range: 'bytes=0-4' }, 200],
  [{ 'if-range': 'Sat, 21 Nov 2026 00:00:00 GMT', range: 'bytes=0-4' }, 200],
  [{ 'if-range': '"'.repeat(10_000), range: 'bytes=0-4' }, 200],
]

describe.each(['cold', 'warm'] as const)('conditions, %s', (round) => {
  test.each(
    conditions.map(([headers, status]) => ({
      headers,
      status,
      short: JSON.stringify(headers).slice(0, 80),
    })),
  )('$short', async ({ headers, status }) => {
    const setting = settle()
    if (round === 'warm') await setting.mirror.get(blobPath)
    await setting.mirror.settle()
    const answer = await setting.mirror.get(blobPath, headers)
    expectHarmless(answer, setting)
    expect(answer.status).toBe(status)
    if (status === 304) expect(answer.bytes).toHaveLength(0)
    if (status === 304) expect(answer.headers.get('etag')).toBe(tag)
  })
})

/** What a client says of itself or of others; the pull is the same with and without it. */
const ignored: readonly Record<string, string>[] = [
  { authorization: 'Basic' },
  { authorization: 'Basic Og==' },
  { authorization: 'Basic ====' },
  { authorization: `Bearer ${'a'.repeat(20_000)}` },
  { authorization: 'Bearer a, Basic b' },
  { authorization: '\u00ff\u00fe' },
  { cookie: `a=${'b'.repeat(20_000)}` },
  { 'user-agent': '' },
  { 'user-agent': '() { :;}; /bin/true' },
  { 'user-agent': '"\\"\u00e4 - - [x] "GET / HTTP/1.1" 200' },
  { 'user-agent': 'a'.repeat(20_000) },
  { referer: 'https://evil.example.com/"\\' },
  { host: 'evil.example.com' },
  { host: 'registry.test:99999' },
  { 'x-forwarded-for': '127.0.0.1' },
  { 'x-forwarded-for': ','.repeat(5_000) },
  { 'x-forwarded-for': '[::1]:80, unknown, _hidden, 999.1.1.1' },
  { 'x-forwarded-host': 'evil.example.com' },
  { 'x-forwarded-host': '"><script>alert(1)</script>' },
  { 'x-forwarded-proto': 'javascript' },
  { forwarded: 'for=127.0.0.1;host=evil.example.com;proto=https' },
  { 'x-original-url': '/v2/evil.example.com/a/manifests/b' },
  { 'x-rewrite-url': '/metrics' },
  { 'x-http-method-override': 'DELETE' },
  { 'transfer-encoding': 'chunked' },
  { te: 'trailers' },
  { 'content-length': '99999' },
  { expect: '100-continue' },
  { connection: 'authorization, close' },
  { 'accept-encoding': 'gzip, br, zstd, *;q=0' },
  { 'cache-control': 'no-cache, no-store, max-age=0' },
  { pragma: 'no-cache' },
  { 'accept-language': '<script>'.repeat(500) },
  { 'docker-distribution-api-version': 'registry/1.0' },
  { 'x-docker-token': 'true' },
]

test.each(ignored.map((headers) => ({ headers, short: JSON.stringify(headers).slice(0, 80) })))(
  'ignored: $short',
  async ({ headers }) => {
    const setting = settle()
    for (const path of [manifestPath, blobPath, '/', '/v2/']) {
      const request = new Headers()
      for (const [name, value] of Object.entries(headers)) request.set(name, value)
      const answer = await readAnswer(await setting.mirror.fetch(path, { headers: request }))
      expectHarmless(answer, setting)
      expect(answer.status, path).toBe(200)
      expect(answer.text.slice(0, 5_000)).not.toContain('<script>alert')
      expect(answer.text.slice(0, 5_000)).not.toContain('evil.example.com')
    }
    const [name = '', value = ''] = Object.entries(headers)[0] ?? []
    for (const call of setting.fake.calls) {
      expect(call.headers.get(name) ?? '', name).not.toContain(value === '' ? '\n' : value)
    }
    for (const line of setting.mirror.logged) expect(JSON.parse(line)).toHaveLength(1)
  },
)
