import { describe, expect, test } from 'vitest'
import type { Digest } from '@pullway/core'
import { RegistryError } from '../../../core/src/errors.ts'
import { listReferrers, type ReferrersPull } from '../../../core/src/listing/referrers.ts'
import { manifestTypes } from '../../../core/src/request/accept.ts'
import { parseRegistryRequest } from '../../../core/src/request/parse.ts'
import { UpstreamTrouble } from '../../../core/src/upstream/trouble.ts'
import { digestOf, makeBytes } from '../../contract/content.ts'
import { rejectionOf } from '../support/caught.ts'
import { type Play, redirectTo } from '../support/scripted-fetch.ts'
import { routeTo } from '../support/upstream-config.ts'
import { createUpstreamWorld } from '../support/upstream-world.ts'

const [ociIndex] = manifestTypes
const subject = digestOf(makeBytes(1))
const signature = { digest: digestOf(makeBytes(2)), artifactType: 'application/signature' }
const sbom = { digest: digestOf(makeBytes(3)), artifactType: 'application/sbom' }

const indexOf = (...manifests: readonly unknown[]): string =>
  JSON.stringify({ schemaVersion: 2, mediaType: ociIndex, manifests })

function typed(body: string, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(body, { headers: { 'content-type': ociIndex, ...headers } })
}

interface Options {
  readonly query?: string
  /** What the fallback tag gives: a content, an error, or nothing. */
  readonly fallback?: string | Error
  readonly fallbackDigest?: Digest
}

async function list(play: Play, { query = '', fallback, fallbackDigest }: Options = {}) {
  const { upstream, deadline, script } = createUpstreamWorld(play)
  const url = `http://mirror.example.com/v2/owner/app/referrers/${subject}${query}`
  const asked = parseRegistryRequest(new Request(url))
  if (asked?.kind !== 'pull') throw new Error('no pull')
  const tags: string[] = []
  const wanted: ReferrersPull = {
    pull: asked.pull,
    route: routeTo('owner/app'),
    upstream,
    digest: subject,
    deadline: deadline(),
    async findTag(tag) {
      tags.push(tag)
      if (fallback instanceof Error) throw fallback
      if (fallback === undefined) return undefined
      const bytes = new Uint8Array(new TextEncoder().encode(fallback))
      return { digest: fallbackDigest ?? digestOf(bytes), bytes }
    },
  }
  const { status, headers, body } = await listReferrers(wanted)
  const text = new TextDecoder().decode(body as Uint8Array)
  expect(status).toBe(200)
  expect(headers['content-type']).toBe(ociIndex)
  expect(headers['content-length']).toBe(String((body as Uint8Array).byteLength))
  return { text, headers, tags, script }
}

const notFound: Play = () => new Response('', { status: 404 })
const nothing = indexOf()

describe('the upstream’s own list', () => {
  test('is passed on byte for byte', async () => {
    const body = `${indexOf(signature, sbom)}\n`
    const { text, tags, script } = await list(() => typed(body))
    expect(text).toBe(body)
    expect(tags).toEqual([])
    expect(script.takeLines()).toEqual([
      `GET https://registry.example.com/v2/owner/app/referrers/${subject}`,
    ])
    expect(script.calls[0]!.headers.get('accept')).toBe(ociIndex)
  })

  test('is filtered by the upstream where it says so', async () => {
    const { headers, script } = await list(
      () => typed(indexOf(sbom), { 'oci-filters-applied': 'artifactType' }),
      { query: '?artifactType=application%2Fsbom' },
    )
    expect(headers['oci-filters-applied']).toBe('artifactType')
    expect(script.calls[0]!.url.search).toBe('?artifactType=application%2Fsbom')
  })

  test('at the end of a redirect that asks the same', async () => {
    const there = `https://backend.example.org/v2/images/app/referrers/${subject}`
    const { text } = await list(({ url }) =>
      url.href === there ? typed(indexOf(sbom)) : redirectTo(there),
    )
    expect(text).toBe(indexOf(sbom))
  })
})

describe('where there is none', () => {
  test.each<[string, Play]>([
    ['404', notFound],
    ['400', () => new Response('', { status: 400 })],
    ['a page', () => new Response('<html>', { headers: { 'content-type': 'text/html' } })],
    [
      'another type',
      () => new Response(nothing, { headers: { 'content-type': 'application/json' } }),
    ],
    ['no list', () => typed('{"schemaVersion":2}')],
    ['nonsense', () => typed('{')],
    [
      'an image',
      () => typed('{"mediaType":"application/vnd.oci.image.manifest.v1+json","manifests":[]}'),
    ],
  ])('%s: the fallback tag is asked', async (_, play) => {
    const { text, tags } = await list(play, { fallback: indexOf(sbom) })
    expect(tags).toEqual([subject.replace(':', '-')])
    expect(JSON.parse(text)).toEqual(JSON.parse(indexOf(sbom)))
  })

  test('a redirect to a web page is not followed', async () => {
    const { text, script } = await list(() =>
      redirectTo('https://github.com/-/v2/packages/container/app', 303),
    )
    expect(text).toBe(nothing)
    expect(script.calls).toHaveLength(1)
  })

  test.each<[string, Options]>([
    ['no tag', { fallback: new RegistryError('MANIFEST_UNKNOWN', 'no') }],
    ['a tag of nothing', {}],
    ['the subject itself', { fallback: indexOf(sbom), fallbackDigest: subject }],
    ['no index', { fallback: '{"schemaVersion":2,"layers":[]}' }],
    ['nonsense', { fallback: '<html>' }],
  ])('%s: the list is empty', async (_, options) => {
    const { text } = await list(notFound, options)
    expect(text).toBe(nothing)
  })

  test('what is no descriptor is left out', async () => {
    const { text } = await list(notFound, {
      fallback: indexOf(sbom, null, 'x', { digest: 'sha256:short' }, {}),
    })
    expect(JSON.parse(text)).toEqual(JSON.parse(indexOf(sbom)))
  })

  test('the filter is ours', async () => {
    const options = { fallback: indexOf(signature, sbom) }
    const query = '?artifactType=application%2Fsbom'
    const filtered = await list(notFound, { ...options, query })
    expect(JSON.parse(filtered.text)).toMatchObject({ manifests: [sbom] })
    expect(filtered.headers['oci-filters-applied']).toBe('artifactType')
    const all = await list(notFound, options)
    expect(JSON.parse(all.text)).toMatchObject({ manifests: [signature, sbom] })
    expect(all.headers['oci-filters-applied']).toBeUndefined()
  })
})

describe('what is told as it is', () => {
  test('trouble of the upstream', async () => {
    const work = list(() => new Response('', { status: 500 }))
    expect(await rejectionOf(work)).toMatchObject({ reason: 'server-error' })
  })

  test('a refusal', async () => {
    const work = list(() => new Response('', { status: 401 }))
    expect(await rejectionOf(work)).toMatchObject({ code: 'DENIED' })
  })

  test('trouble with the fallback tag', async () => {
    const fallback = new UpstreamTrouble('x', 'timeout', 'late')
    expect(await rejectionOf(list(notFound, { fallback }))).toBe(fallback)
  })
})
