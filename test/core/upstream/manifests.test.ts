import { describe, expect, test } from 'vitest'
import { everything, manifestTypes, parseAccept } from '../../../core/src/request/accept.ts'
import type { Reference } from '../../../core/src/request/reference.ts'
import { fetchManifest, headManifest } from '../../../core/src/upstream/manifests.ts'
import { digestOf, makeBytes } from '../../contract/content.ts'
import { rejectionOf } from '../support/caught.ts'
import { createControlledBody } from '../support/controlled-body.ts'
import { createHasher } from '../support/hashing.ts'
import type { Play } from '../support/scripted-fetch.ts'
import { createUpstreamWorld } from '../support/upstream-world.ts'

const [ociIndex, , ociManifest, dockerManifest] = manifestTypes
// Spaces and escaped slashes: whoever writes it anew changes its digest.
const text = `{ "schemaVersion": 2, "mediaType": "application\\/vnd.oci.image.manifest.v1+json", "layers": [] }\n`
const bytes = new Uint8Array(new TextEncoder().encode(text))
const digest = digestOf(bytes)
const other = digestOf(makeBytes(5))
const byTag: Reference = { type: 'tag', tag: 'latest' }
const byDigest: Reference = { type: 'digest', digest }

function settle(play: Play) {
  const { script, upstream, deadline } = createUpstreamWorld(play)
  const question = (reference: Reference, accept: string | null = null) => ({
    repository: 'app',
    reference,
    accepted: parseAccept(accept),
    deadline: deadline(),
  })
  return {
    script,
    fetch: (reference: Reference, accept?: string) =>
      fetchManifest(upstream, createHasher, question(reference, accept)),
    head: (reference: Reference, accept?: string) =>
      headManifest(upstream, question(reference, accept)),
  }
}

function answer(
  headers: Readonly<Record<string, string>> = {},
  body: Uint8Array<ArrayBuffer> = bytes,
): Response {
  return new Response(body, { headers: { 'content-type': ociManifest, ...headers } })
}

const unusable = { name: 'UpstreamTrouble', reason: 'server-error' }

describe('a manifest', () => {
  test.each([
    ['with its digest', { 'docker-content-digest': digest }, digest],
    ['without one', {}, digest],
    ['with a digest that is none', { 'docker-content-digest': 'sha256:x' }, digest],
    [
      'with sha512',
      { 'docker-content-digest': digestOf(bytes, 'sha512') },
      digestOf(bytes, 'sha512'),
    ],
  ])('by tag %s', async (_, headers, expected) => {
    const { fetch } = settle(() => answer(headers))
    const manifest = await fetch(byTag)
    expect(manifest).toMatchObject({ digest: expected, mediaType: ociManifest })
    expect(manifest.bytes).toEqual(bytes)
  })

  test.each([digest, digestOf(bytes, 'sha512')])('by the digest %s', async (wanted) => {
    const { fetch } = settle(() => answer())
    expect((await fetch({ type: 'digest', digest: wanted })).digest).toBe(wanted)
  })

  test.each<[string, Reference, () => Response]>([
    ['another digest stated', byTag, () => answer({ 'docker-content-digest': other })],
    ['another digest asked for', { type: 'digest', digest: other }, () => answer()],
    ['other bytes', byDigest, () => answer({}, makeBytes(5))],
    ['a page', byTag, () => new Response('<html>', { headers: { 'content-type': 'text/html' } })],
    ['a manifest that says it is a page', byTag, () => answer({ 'content-type': 'text/html' })],
    ['nothing', byTag, () => answer({}, new Uint8Array(0))],
    ['a manifest cut short', byTag, () => answer({}, bytes.slice(0, -5))],
    [
      'schema 1',
      byTag,
      () =>
        answer(
          { 'content-type': 'application/vnd.docker.distribution.manifest.v1+prettyjws' },
          new Uint8Array(new TextEncoder().encode('{"schemaVersion":1,"name":"app"}')),
        ),
    ],
    [
      'an error as content',
      byTag,
      () => answer({}, new Uint8Array(new TextEncoder().encode('{"errors":[]}'))),
    ],
    ['more than 4 MiB', byTag, () => answer({}, new Uint8Array(4 * 2 ** 20 + 1))],
  ])('that is %s is refused', async (_, reference, play) => {
    const { fetch } = settle(play)
    expect(await rejectionOf(fetch(reference))).toMatchObject(unusable)
  })

  test('of 4 MiB is taken, one that announces more is not read', async () => {
    const padded = new Uint8Array(4 * 2 ** 20).fill(0x20)
    padded.set(bytes)
    const { fetch } = settle(() => answer({}, padded))
    expect((await fetch(byTag)).bytes.byteLength).toBe(4 * 2 ** 20)
    const body = createControlledBody()
    const large = settle(
      () => new Response(body.stream, { headers: { 'content-length': String(4 * 2 ** 20 + 1) } }),
    )
    expect(await rejectionOf(large.fetch(byTag))).toMatchObject(unusable)
    expect(body.isCancelled).toBe(true)
  })

  test('is asked for by tag with what the client takes, by digest with all types', async () => {
    const { script, fetch } = settle(() => answer())
    await fetch(byTag)
    await fetch(byTag, dockerManifest)
    await fetch(byDigest, dockerManifest)
    expect(script.calls.map(({ headers }) => headers.get('accept'))).toEqual([
      everything.header,
      dockerManifest,
      everything.header,
    ])
  })
})

describe('what a reference means', () => {
  const facts = {
    'content-type': ociIndex,
    'content-length': '123',
    'docker-content-digest': other,
  }
  const head = (given: Readonly<Record<string, string>>) => () =>
    new Response(null, { headers: given })

  test('is in the headers', async () => {
    const { script, head: ask } = settle(head(facts))
    expect(await ask(byTag)).toEqual({ digest: other, mediaType: ociIndex, size: 123 })
    expect(script.takeLines()).toEqual([
      'HEAD https://registry.example.com/v2/app/manifests/latest',
    ])
  })

  test('a parameter of the type does not count', async () => {
    const { head: ask } = settle(head({ ...facts, 'content-type': `${ociIndex}; charset=utf-8` }))
    expect((await ask(byTag))?.mediaType).toBe(ociIndex)
  })

  test.each([
    ['docker-content-digest', undefined],
    ['docker-content-digest', 'sha256:short'],
    ['content-length', undefined],
    ['content-length', 'many'],
    ['content-type', undefined],
    ['content-type', 'application/json'],
    ['content-type', 'text/html'],
  ])('is not told when %s is %s', async (name, value) => {
    const others = Object.entries(facts).filter(([other]) => other !== name)
    const given = value === undefined ? others : [...others, [name, value]]
    const { head: ask } = settle(head(Object.fromEntries(given) as Record<string, string>))
    expect(await ask(byTag)).toBeUndefined()
  })

  test('a digest means itself', async () => {
    const { head: ask } = settle(head({ 'content-type': ociIndex, 'content-length': '123' }))
    expect(await ask(byDigest)).toEqual({ digest, mediaType: ociIndex, size: 123 })
  })

  test('unknown is a no', async () => {
    const { head: ask } = settle(() => new Response(null, { status: 404 }))
    expect(await rejectionOf(ask(byTag))).toMatchObject({ code: 'MANIFEST_UNKNOWN' })
  })
})
