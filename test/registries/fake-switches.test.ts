import { expect, test } from 'vitest'
import {
  answers,
  buildMultiArch,
  createFakeRegistry,
  mediaTypes,
  type Settings,
} from '../fakes/registry/index.ts'
import { dockerHub } from '../fakes/registry/profiles/docker-hub.ts'

const image = buildMultiArch({ seed: 7 })
const blob = image.blobs[0]!
const everything = Object.values(mediaTypes).join(', ')
const manifestUrl = 'https://registry.test/v2/owner/name/manifests/latest'
const blobUrl = `https://registry.test/v2/owner/name/blobs/${blob.digest}`

interface SwitchRow {
  readonly what: string
  readonly settings: Settings
  readonly url?: string
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly status: number
  readonly answer?: Record<string, string | null>
}

const switches: readonly SwitchRow[] = [
  {
    what: 'strict Accept',
    settings: {},
    headers: { accept: mediaTypes.dockerManifest },
    status: 404,
  },
  {
    what: 'downgrade',
    settings: { manifests: { accept: 'downgrade' } },
    headers: { accept: '*/*' },
    status: 200,
    answer: { 'content-type': mediaTypes.dockerSchema1 },
  },
  {
    what: 'Accept ignored',
    settings: { manifests: { accept: 'ignore' } },
    headers: { accept: 'text/html' },
    status: 200,
    answer: { 'content-type': mediaTypes.ociIndex },
  },
  {
    what: 'digest on HEAD only',
    settings: { manifests: { digestHeader: 'head-only', etag: 'none' } },
    status: 200,
    answer: { 'docker-content-digest': null, etag: null },
  },
  {
    what: 'digest on HEAD only, asked with HEAD',
    settings: { manifests: { digestHeader: 'head-only' } },
    method: 'HEAD',
    status: 200,
    answer: { 'docker-content-digest': image.root.digest, etag: `"${image.root.digest}"` },
  },
  {
    what: 'no length on HEAD',
    settings: { manifests: { headLength: false } },
    method: 'HEAD',
    status: 200,
    answer: { 'content-length': null },
  },
  {
    what: 'gzip when asked',
    settings: { manifests: { gzip: 'when-asked' } },
    headers: { 'accept-encoding': 'gzip' },
    status: 200,
    answer: { 'content-encoding': 'gzip' },
  },
  {
    what: 'no gzip when not asked',
    settings: { manifests: { gzip: 'when-asked' } },
    headers: { 'accept-encoding': 'identity' },
    status: 200,
    answer: { 'content-encoding': null, 'content-length': String(image.root.bytes.length) },
  },
  {
    what: 'several header lines and cookies',
    settings: { headers: { 'set-cookie': ['sid=1', '_gorilla_csrf=2'], 'x-twice': ['a', 'b'] } },
    status: 200,
    answer: { 'x-twice': 'a, b', 'set-cookie': 'sid=1, _gorilla_csrf=2' },
  },
  {
    what: 'quota headers',
    settings: { rateLimit: { ...dockerHub.rateLimit, spaced: true } },
    status: 200,
    answer: {
      'ratelimit-limit': '100 ; w=3600',
      'x-ratelimit-remaining': '99 ; w=3600',
      'docker-ratelimit-source': '198.51.100.7',
    },
  },
  {
    what: 'quota spent',
    settings: { rateLimit: { ...dockerHub.rateLimit, limit: 0 } },
    status: 429,
    answer: { 'ratelimit-remaining': '0;w=3600' },
  },
  { what: '/v2 redirected', settings: { bareV2: 'redirect' }, url: '/v2', status: 301 },
  { what: '/v2 absent', settings: { bareV2: 'not-found' }, url: '/v2', status: 404 },
  { what: '/v2 as /v2/', settings: {}, url: '/v2', status: 200 },
  {
    what: 'a library turned away',
    settings: { userAgents: 'products-only' },
    headers: { 'user-agent': 'undici' },
    status: 403,
    answer: { 'content-type': 'text/html; charset=UTF-8' },
  },
  {
    what: 'tag that is its subject',
    settings: { fallbackTag: 'subject' },
    url: fallback(),
    status: 200,
  },
  { what: 'tag that is not there', settings: {}, url: fallback(), status: 404 },
  {
    what: 'blob HEAD refused',
    settings: { blobs: { head: answers.bareUnauthorized } },
    method: 'HEAD',
    url: blobUrl,
    status: 401,
  },
  {
    what: 'no open ranges',
    settings: { blobHost: { ranges: 'closed-only' } },
    url: blobUrl,
    headers: { range: 'bytes=5-' },
    status: 416,
  },
  {
    what: 'closed ranges',
    settings: { blobHost: { ranges: 'closed-only', acceptRanges: false } },
    url: blobUrl,
    headers: { range: 'bytes=5-9' },
    status: 206,
    answer: { 'content-range': `bytes 5-9/${blob.bytes.length}`, 'accept-ranges': null },
  },
]

function fallback(): string {
  return manifestUrl.replace('latest', image.root.digest.replace(':', '-'))
}

test.each(switches)('switch: $what', async ({ settings, url, method, headers, status, answer }) => {
  const target = new URL(url ?? manifestUrl, manifestUrl).href
  const fake = createFakeRegistry({ access: 'open', ...settings })
  fake.push('owner/name', 'latest', image)
  const request = new Request(target, {
    method: method ?? 'GET',
    headers: { accept: everything, ...headers },
  })
  const response = await fake.fetch(request, { network: 'any' })
  expect(response.status).toBe(status)
  for (const [name, value] of Object.entries(answer ?? {})) {
    expect(response.headers.get(name), name).toBe(value)
  }
})
