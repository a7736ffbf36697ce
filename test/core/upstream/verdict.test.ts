import { expect, test } from 'vitest'
import type { Target } from '../../../core/src/request/parse.ts'
import { toAnswerTrouble, toVerdict } from '../../../core/src/upstream/verdict.ts'
import { digestOf, makeBytes } from '../../contract/content.ts'
import { createControlledBody } from '../support/controlled-body.ts'

const digest = digestOf(makeBytes(1))
const endpoint = new URL('https://registry.example.com/v2/owner/app/x')
const storage = new URL('https://cdn.example.net/signed')
const otherRegistry = new URL(`https://eu.example.net/v2/owner/app/blobs/${digest}`)

const manifest: Target = { kind: 'manifest', reference: { type: 'tag', tag: 'latest' } }
const byDigest: Target = { kind: 'manifest', reference: { type: 'digest', digest } }
const blob: Target = { kind: 'blob', digest }
const tags: Target = { kind: 'tags' }
const referrers: Target = { kind: 'referrers', digest }

const json = (code: string): string =>
  JSON.stringify({ errors: [{ code, message: 'their words' }] })

interface Row {
  readonly target: Target
  readonly status: number
  readonly body?: string
  readonly type?: string
  readonly from?: URL
  readonly headers?: Readonly<Record<string, string>>
}

async function verdict({ target, status, body, type, from = endpoint, headers }: Row) {
  const response = new Response(body ?? null, {
    status,
    headers: { ...headers, ...(type === undefined ? {} : { 'content-type': type }) },
  })
  const asked = { upstream: 'registry.example.com', endpoint, repository: 'owner/app', target }
  return toVerdict(response, from, asked)
}

test.each<[Row, string]>([
  [{ target: manifest, status: 404, body: json('MANIFEST_UNKNOWN') }, 'MANIFEST_UNKNOWN'],
  [{ target: manifest, status: 404, body: json('NAME_UNKNOWN') }, 'NAME_UNKNOWN'],
  [{ target: manifest, status: 404, body: json('NOT_FOUND') }, 'MANIFEST_UNKNOWN'],
  [{ target: manifest, status: 404, body: '404 page not found\n' }, 'MANIFEST_UNKNOWN'],
  [{ target: byDigest, status: 404 }, 'MANIFEST_UNKNOWN'],
  [{ target: blob, status: 404, body: json('BLOB_UNKNOWN') }, 'BLOB_UNKNOWN'],
  [{ target: blob, status: 404, from: otherRegistry }, 'BLOB_UNKNOWN'],
  [{ target: tags, status: 404 }, 'NAME_UNKNOWN'],
  [{ target: referrers, status: 404 }, 'MANIFEST_UNKNOWN'],
  [{ target: manifest, status: 401, body: json('UNAUTHORIZED') }, 'DENIED'],
  [{ target: manifest, status: 403, body: json('DENIED') }, 'DENIED'],
  [{ target: blob, status: 401 }, 'DENIED'],
  [{ target: blob, status: 403, type: 'application/json', body: json('DENIED') }, 'DENIED'],
  [{ target: manifest, status: 400, body: json('NAME_INVALID') }, 'NAME_INVALID'],
  [{ target: manifest, status: 400, body: json('TAG_INVALID') }, 'MANIFEST_UNKNOWN'],
])('%j: %s', async (row, code) => {
  expect(await verdict(row)).toMatchObject({ name: 'RegistryError', code })
})

test.each<[Row, string]>([
  [{ target: manifest, status: 429, headers: { 'retry-after': '7' } }, 'rate-limited'],
  [{ target: manifest, status: 408 }, 'timeout'],
  [{ target: manifest, status: 504 }, 'timeout'],
  [{ target: manifest, status: 500 }, 'server-error'],
  [{ target: blob, status: 503, from: storage }, 'server-error'],
  // A page in front of the registry.
  [{ target: manifest, status: 403, type: 'text/html; charset=UTF-8' }, 'server-error'],
  // A signed link that its storage refuses.
  [{ target: blob, status: 403, from: storage, type: 'application/xml' }, 'server-error'],
  [{ target: blob, status: 401, from: storage }, 'server-error'],
  // A link of a registry that knows the blob, to storage that does not.
  [{ target: blob, status: 404, from: storage }, 'server-error'],
  [{ target: blob, status: 410, from: storage }, 'server-error'],
  // What is no answer to the question.
  [{ target: manifest, status: 204 }, 'server-error'],
  [{ target: manifest, status: 302 }, 'server-error'],
])('%j: trouble, %s', async (row, reason) => {
  expect(await verdict(row)).toMatchObject({ name: 'UpstreamTrouble', reason })
})

test('a refusal repeats the upstream’s words, and an unknown says what is unknown', async () => {
  const denied = await verdict({ target: manifest, status: 403, body: json('DENIED') })
  expect(denied.message).toContain('registry.example.com refused owner/app ("their words")')
  const unknown = await verdict({ target: manifest, status: 404 })
  expect(unknown.message).toContain('registry.example.com has no owner/app:latest')
  const unknownDigest = await verdict({ target: byDigest, status: 404 })
  expect(unknownDigest.message).toContain(`owner/app@${digest}`)
})

test('the body of trouble is let go', async () => {
  const body = createControlledBody()
  const asked = { upstream: 'x', endpoint, repository: 'a', target: manifest }
  await toVerdict(new Response(body.stream, { status: 500 }), endpoint, asked)
  expect(body.isCancelled).toBe(true)
})

test.each([
  ['7', 7],
  [' 7 ', 7],
  [null, undefined],
  ['Sat, 21 Nov 2026 00:00:00 GMT', undefined],
  ['-1', undefined],
  ['9'.repeat(10), undefined],
])('Retry-After: %s', (header, seconds) => {
  const response = new Response(null, {
    status: 429,
    headers: header === null ? {} : { 'retry-after': header },
  })
  expect(toAnswerTrouble(response, 'x')?.retryAfterSeconds).toBe(seconds)
})

const date = 'Sat, 21 Nov 2026 00:00:00 GMT'
const epoch = Date.parse(date) / 1000

test.each([
  [{ 'retry-after': 'Sat, 21 Nov 2026 00:01:30 GMT', date }, 90],
  [{ 'retry-after': 'Fri, 20 Nov 2026 00:00:00 GMT', date }, 0],
  [{ 'retry-after': 'Sat, 21 Nov 2026 00:01:30 GMT', date: 'today' }, undefined],
  [{ 'retry-after': 'tomorrow', date }, undefined],
  [{ 'retry-after': '2', 'ratelimit-reset': '90', date }, 2],
  [{ 'retry-after': 'soon', 'ratelimit-reset': '90' }, 90],
  [{ 'x-ratelimit-reset': '90' }, 90],
  [{ 'ratelimit-reset': String(epoch + 30), date }, 30],
  [{ 'ratelimit-reset': String(epoch - 30), date }, 0],
  [{ 'ratelimit-reset': String(epoch + 30) }, undefined],
  [{ 'ratelimit-reset': '-5', date }, undefined],
  [{ 'ratelimit-reset': '9'.repeat(11), date }, undefined],
] as const)('the wait of %j is %s', (headers, seconds) => {
  const response = new Response(null, { status: 429, headers })
  expect(toAnswerTrouble(response, 'x')?.retryAfterSeconds).toBe(seconds)
})

test.each([200, 206, 301, 400, 401, 403, 404, 405, 410, 416, 451])('%i is no trouble', (status) => {
  expect(toAnswerTrouble(new Response(null, { status }), 'x')).toBeUndefined()
})
