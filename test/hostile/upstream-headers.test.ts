import { expect, test } from 'vitest'
import { expectHarmless, image, settle } from './hostile.ts'

const blob = image.blobs[1]!
const blobPath = `/v2/owner/name/blobs/${blob.digest}`
const manifestPath = '/v2/owner/name/manifests/latest'

/** What an upstream may put into an answer's headers; none of it is a client's business or our undoing. */
const upstreamHeaders: readonly Record<string, string>[] = [
  { 'content-length': '-1' },
  { 'content-length': '1e9' },
  { 'content-length': '99999999999999999999' },
  { 'content-length': 'abc' },
  { 'content-type': '' },
  { 'content-type': 'text/html' },
  { 'content-type': `${'a'.repeat(20_000)}/b` },
  { 'docker-content-digest': 'sha256:abc' },
  { 'docker-content-digest': `sha256:${'0'.repeat(64)}` },
  { 'docker-content-digest': 'garbage, more' },
  { etag: '"\u00ff"' },
  { 'content-encoding': 'br' },
  { 'transfer-encoding': 'chunked' },
  { 'retry-after': '-5' },
  { 'ratelimit-limit': 'abc;w=def' },
  { 'ratelimit-remaining': '9'.repeat(400) },
  { 'docker-ratelimit-source': '"\\\u00e4' },
  { link: '<https://evil.example.com/>; rel="next"' },
  { 'set-cookie': 'a=b' },
  { 'x-frame-options': 'DENY' },
  { warning: '299 - "x"' },
  { location: 'https://evil.example.com/' },
  { 'www-authenticate': 'Bearer realm="https://evil.example.com/"' },
  { 'access-control-allow-origin': '*' },
  { 'strict-transport-security': 'max-age=63072000; includeSubDomains; preload' },
  { 'clear-site-data': '"*"' },
]

test.each(
  upstreamHeaders.map((headers) => ({ headers, short: JSON.stringify(headers).slice(0, 80) })),
)('from upstream: $short', async ({ headers }) => {
  const setting = settle({ access: 'open' })
  for (const [kind, path, content] of [
    ['manifest', manifestPath, image.root],
    ['blob', blobPath, blob],
    ['tags', '/v2/owner/name/tags/list', undefined],
  ] as const) {
    const body = content === undefined ? '{"name":"owner/name","tags":["latest"]}' : undefined
    setting.fake.fail({ kind }, { kind: 'headers', headers })
    const answer = await setting.mirror.drive(setting.mirror.get(path))
    expectHarmless(answer, setting)
    const isWhole = answer.status === 200 && answer.broken === undefined
    if (isWhole && content !== undefined) {
      expect(Buffer.compare(answer.bytes, content.bytes)).toBe(0)
      expect(answer.headers.get('docker-content-digest')).toBe(content.digest)
    }
    if (isWhole && body !== undefined) expect(JSON.parse(answer.text)).toEqual(JSON.parse(body))
    if (!isWhole) expect([200, 503], path).toContain(answer.status)
    for (const name of [
      'set-cookie',
      'x-frame-options',
      'location',
      'www-authenticate',
      'clear-site-data',
      'access-control-allow-origin',
      'strict-transport-security',
      'warning',
    ]) {
      expect(answer.headers.get(name), name).toBeNull()
    }
    expect(answer.headers.get('link') ?? '').not.toContain('evil')
  }
})
