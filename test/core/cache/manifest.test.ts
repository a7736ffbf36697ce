import { describe, expect, test } from 'vitest'
import { parseManifest } from '../../../core/src/cache/manifest.ts'
import { manifestTypes } from '../../../core/src/request/accept.ts'
import { digestOf, makeBytes } from '../../contract/content.ts'

const [ociIndex, dockerList, ociManifest, dockerManifest] = manifestTypes
const digests = [1, 2, 3, 4].map((seed) => digestOf(makeBytes(8, seed)))
const [one, two, three, four] = digests as [string, string, string, string]

function parse(content: unknown, type: string | null = ociManifest) {
  const text = typeof content === 'string' ? content : JSON.stringify(content)
  return parseManifest(new TextEncoder().encode(text), type)
}

const plain = { mediaType: undefined, size: undefined, os: undefined }

describe('what it names', () => {
  test('an image: its config and its layers', () => {
    const image = {
      schemaVersion: 2,
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: one, size: 7 },
      layers: [
        { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: two, size: 0 },
        { digest: three },
      ],
    }
    expect(parse(image)).toEqual({
      mediaType: ociManifest,
      manifests: [],
      blobs: [
        { ...plain, mediaType: 'application/vnd.oci.image.config.v1+json', digest: one, size: 7 },
        {
          ...plain,
          mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
          digest: two,
          size: 0,
        },
        { ...plain, digest: three },
      ],
    })
  })

  test('an index: its manifests, with what they run on', () => {
    const index = {
      schemaVersion: 2,
      manifests: [
        { mediaType: ociManifest, digest: one, size: 1, platform: { os: 'linux' } },
        { mediaType: ociManifest, digest: two, size: 2, platform: { os: 'unknown' } },
      ],
    }
    expect(parse(index, ociIndex)).toEqual({
      mediaType: ociIndex,
      manifests: [
        { mediaType: ociManifest, digest: one, size: 1, os: 'linux' },
        { mediaType: ociManifest, digest: two, size: 2, os: 'unknown' },
      ],
      blobs: [],
    })
  })

  test('an artifact: its blobs', () => {
    const artifact = { schemaVersion: 2, blobs: [{ digest: one }] }
    expect(parse(artifact)?.blobs).toEqual([{ ...plain, digest: one }])
  })

  test('nothing that is fetched from elsewhere, or is no descriptor', () => {
    const image = {
      schemaVersion: 2,
      config: 'sha256:x',
      layers: [
        { digest: one, urls: ['https://example.com/layer'] },
        { digest: 'sha256:short' },
        { digest: 5 },
        null,
        'text',
        [],
        { size: 4 },
        { digest: two, size: -1 },
        { digest: three, size: 1.5 },
        { digest: four, size: '9', mediaType: 4, platform: { os: 3 } },
      ],
    }
    expect(parse(image)?.blobs).toEqual([
      { ...plain, digest: two },
      { ...plain, digest: three },
      { ...plain, digest: four },
    ])
  })

  test('no thousands of things', () => {
    const layers = Array.from({ length: 10_000 }, () => ({ digest: one }))
    expect(parse({ schemaVersion: 2, layers })?.blobs.length).toBeLessThanOrEqual(500)
    expect(parse({ schemaVersion: 2, layers: 'many', manifests: {} })?.blobs).toEqual([])
  })
})

describe('its type', () => {
  test.each([
    [ociManifest, {}, ociManifest],
    [dockerManifest, {}, dockerManifest],
    [`${dockerList}; charset=utf-8`, {}, dockerList],
    [ociIndex.toUpperCase(), {}, ociIndex],
    // Servers hide manifests under these.
    ['application/json', { mediaType: dockerManifest }, dockerManifest],
    ['text/plain; charset=utf-8', { mediaType: ociIndex }, ociIndex],
    ['application/octet-stream', { layers: [] }, ociManifest],
    [null, { manifests: [] }, ociIndex],
    ['', { layers: [] }, ociManifest],
  ])('stated %s with %j is %s', (stated, fields, type) => {
    expect(parse({ schemaVersion: 2, ...fields }, stated)?.mediaType).toBe(type)
  })

  test.each([
    ['text/html', {}],
    ['application/json', {}],
    [null, { config: {} }],
    ['application/json', { mediaType: 'text/html' }],
    ['application/json', { mediaType: 'application/x\r\nset-cookie: a=b' }],
    ['application/json', { mediaType: 5, layers: 'x' }],
  ])('stated %s with %j is none', (stated, fields) => {
    expect(parse({ schemaVersion: 2, ...fields }, stated)).toBeUndefined()
  })
})

test.each([
  ['schema 1', { schemaVersion: 1, name: 'app', signatures: [] }],
  ['no schema version', { layers: [] }],
  ['a text as version', { schemaVersion: '2' }],
  ['an error', { errors: [{ code: 'DENIED' }] }],
  ['a list', []],
  ['null', null],
  ['a page', '<html></html>'],
  ['nothing', ''],
  ['half a manifest', '{"schemaVersion":2,'],
])('%s is no manifest', (_, content) => {
  expect(parse(content)).toBeUndefined()
})

test('bytes that are no UTF-8 are no manifest', () => {
  const bytes = new TextEncoder().encode('{"schemaVersion":2,"x":"?"}')
  bytes[bytes.indexOf('?'.charCodeAt(0))] = 0xff
  expect(parseManifest(bytes, ociManifest)).toBeUndefined()
})
