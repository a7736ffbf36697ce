import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import type { Answer } from '../fakes/registry/answer.ts'
import { expectHarmless, settle } from './hostile.ts'

const ociIndex = 'application/vnd.oci.image.index.v1+json'
const deep = '['.repeat(1_000_000) + ']'.repeat(1_000_000)
const zeros = '0'.repeat(64)
const entry = `{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:${zeros}","size":1}`
const hugeIndex = `{"schemaVersion":2,"mediaType":"${ociIndex}","manifests":[${Array(30_000).fill(entry).join(',')}]}`

function ok(body: string, contentType: string, headers: Answer['headers'] = {}): Answer {
  return { status: 200, contentType, body, headers: { ...headers } }
}

/** Answers that are small on the way, or well-formed, and meant to take all memory or time. */
test.each<[what: string, kind: 'manifest' | 'tags' | 'referrers' | 'token', answer: Answer]>([
  ['a manifest of a million brackets', 'manifest', ok(deep, ociIndex)],
  [
    'a manifest that names them',
    'manifest',
    ok(`{"schemaVersion":2,"manifests":${deep}}`, ociIndex),
  ],
  ['an index of 30 000 images', 'manifest', ok(hugeIndex, ociIndex)],
  [
    'a manifest of 5 MiB',
    'manifest',
    ok(`{"schemaVersion":2,"x":"${'x'.repeat(5 * 2 ** 20)}"}`, ociIndex),
  ],
  [
    'a manifest without length, of 5 MiB',
    'manifest',
    ok(' '.repeat(5 * 2 ** 20), ociIndex, { 'content-length': '' }),
  ],
  [
    'a manifest that is compressed a thousand times',
    'manifest',
    ok(gzipSync(' '.repeat(4 * 2 ** 20)).toString('latin1'), ociIndex, {
      'content-encoding': 'gzip',
    }),
  ],
  [
    'a tag list of a million brackets',
    'tags',
    ok(`{"name":"owner/name","tags":${deep}}`, 'application/json'),
  ],
  [
    'a tag list of 20 MiB',
    'tags',
    ok(`{"tags":["${'x'.repeat(20 * 2 ** 20)}"]}`, 'application/json'),
  ],
  ['referrers of a million brackets', 'referrers', ok(deep, ociIndex)],
  ['a token of a million brackets', 'token', ok(`{"token":${deep}}`, 'application/json')],
  ['a token of 1 MiB', 'token', ok(`{"token":"${'x'.repeat(2 ** 20)}"}`, 'application/json')],
  [
    'a refusal of a million brackets',
    'manifest',
    { status: 404, contentType: 'application/json', body: deep },
  ],
  [
    'a refusal of 20 MiB',
    'manifest',
    { status: 403, contentType: 'application/json', body: 'x'.repeat(20 * 2 ** 20) },
  ],
])('%s', async (_, kind, answer) => {
  const setting = settle(kind === 'token' ? {} : { access: 'open' })
  setting.fake.fail({ kind }, { kind: 'answer', answer })
  for (const path of ['manifests/latest', 'tags/list', `referrers/sha256:${zeros}`]) {
    const got = await setting.mirror.drive(setting.mirror.get(`/v2/owner/name/${path}`))
    expectHarmless(got, setting)
    expect(got.bytes.byteLength).toBeLessThan(17 * 2 ** 20)
    if (got.code === undefined && path.startsWith('manifests')) {
      const digest = createHash('sha256').update(got.bytes).digest('hex')
      expect(got.headers.get('docker-content-digest')).toBe(`sha256:${digest}`)
    }
  }
})
