import { describe, expect, test } from 'vitest'
import { createTestMirror, type TestMirror } from '../fakes/mirror.ts'
import {
  buildImage,
  buildMultiArch,
  contentOf,
  createFakeRegistry,
  descriptorOf,
  mediaTypes,
  type FakeRegistry,
  type Image,
  type Settings,
} from '../fakes/registry/index.ts'
import { ghcr } from '../fakes/registry/profiles/ghcr.ts'
import { gitlab } from '../fakes/registry/profiles/others.ts'
import { config, registries } from './registries.ts'

const artifactType = 'application/vnd.example.sbom'
/** An index, which has manifests of its own that are no referrers. */
const subject = buildMultiArch({ seed: 1 })
const sbom = buildImage({ seed: 2, artifactType, subject: subject.root })
const fallbackTag = subject.root.digest.replace(':', '-')

interface Listing {
  readonly mediaType: string
  readonly manifests: readonly { digest: string; artifactType?: string }[]
}

function listing(text: string): Listing {
  return JSON.parse(text) as Listing
}

/** What a client pushes for registries without the API (distribution specification, "Referrers Tag Schema"). */
function fallbackIndex(): Image {
  const text = JSON.stringify({
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: [{ ...descriptorOf(sbom.root), artifactType }],
  })
  const root = contentOf(mediaTypes.ociIndex, new TextEncoder().encode(text))
  return { root, manifests: [root], blobs: [] }
}

describe.each(registries)('$what', ({ settings, repository, path }) => {
  test('lists what refers to an image', async () => {
    const fake = createFakeRegistry(settings)
    for (const image of [subject, sbom]) fake.push(repository, undefined, image)
    fake.push(repository, fallbackTag, fallbackIndex())
    const mirror = createTestMirror({ fetch: fake.fetch, config })
    const answer = await mirror.get(`${path}/referrers/${subject.root.digest}`)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe(mediaTypes.ociIndex)
    expect(answer.headers.get('content-length')).toBe(String(answer.bytes.length))
    const found = listing(answer.text).manifests.map(({ digest }) => digest)
    // GitLab's fallback tag is the subject itself, which refers to nothing (registries.md, 1.6).
    const isMisled = 'fallbackTag' in settings && settings.fallbackTag === 'subject'
    expect(found).toEqual(isMisled ? [] : [sbom.root.digest])
    expect(fake.calls.filter(({ kind }) => kind === 'stranger')).toEqual([])
  })
})

interface FormRow {
  readonly what: string
  readonly settings: Settings
  readonly pushes: readonly (readonly [tag: string | undefined, image: Image])[]
  readonly found: readonly string[]
}

const native = [
  [undefined, subject],
  [undefined, sbom],
] as const
const withTag = [
  [undefined, subject],
  [fallbackTag, fallbackIndex()],
] as const
const isIndexless = [[undefined, subject]] as const

const forms: readonly FormRow[] = [
  { what: 'native', settings: {}, pushes: [...native], found: [sbom.root.digest] },
  { what: 'native, none', settings: {}, pushes: [...isIndexless], found: [] },
  {
    what: '404, fallback tag',
    settings: { referrers: 'not-found' },
    pushes: [...withTag],
    found: [sbom.root.digest],
  },
  {
    what: '404, no tag',
    settings: { referrers: 'not-found' },
    pushes: [...isIndexless],
    found: [],
  },
  {
    what: 'off-site redirect, fallback tag',
    settings: { referrers: 'off-site' },
    pushes: [...withTag],
    found: [sbom.root.digest],
  },
  {
    what: 'off-site redirect, no tag',
    settings: { referrers: 'off-site' },
    pushes: [...isIndexless],
    found: [],
  },
  {
    what: 'web page, fallback tag',
    settings: { referrers: 'web-page' },
    pushes: [...withTag],
    found: [sbom.root.digest],
  },
  {
    what: 'web page, no tag',
    settings: { referrers: 'web-page' },
    pushes: [...isIndexless],
    found: [],
  },
  {
    what: '404, the tag is an image and no index',
    settings: { referrers: 'not-found' },
    pushes: [
      [undefined, subject],
      [fallbackTag, buildImage({ seed: 9 })],
    ],
    found: [],
  },
  {
    what: '404, the tag is the subject',
    settings: { referrers: 'not-found', fallbackTag: 'subject' },
    pushes: [...isIndexless],
    found: [],
  },
]

function settle(settings: Settings, pushes: FormRow['pushes']): [FakeRegistry, TestMirror] {
  const fake = createFakeRegistry(settings)
  for (const [tag, image] of pushes) fake.push('owner/name', tag, image)
  return [fake, createTestMirror({ fetch: fake.fetch, config: 'upstreams: { registry.test: {} }' })]
}

const url = `/v2/registry.test/owner/name/referrers/${subject.root.digest}`

test.each(forms)('$what', async ({ settings, pushes, found }) => {
  const [fake, mirror] = settle(settings, pushes)
  const answer = await mirror.get(url)
  expect(answer.status).toBe(200)
  expect(listing(answer.text).mediaType).toBe(mediaTypes.ociIndex)
  expect(listing(answer.text).manifests.map(({ digest }) => digest)).toEqual(found)
  expect(fake.calls.filter(({ kind }) => kind === 'stranger')).toEqual([])
  const head = await mirror.head(url)
  expect([head.status, head.headers.get('content-type')]).toEqual([200, mediaTypes.ociIndex])
})

test('the filter goes upstream and its confirmation comes back', async () => {
  const [fake, mirror] = settle({}, [...native])
  const other = await mirror.get(`${url}?artifactType=application%2Fvnd.example.other`)
  expect(listing(other.text).manifests).toEqual([])
  expect(other.headers.get('oci-filters-applied')).toBe('artifactType')
  const same = await mirror.get(`${url}?artifactType=application%2Fvnd.example.sbom`)
  expect(listing(same.text).manifests).toHaveLength(1)
  const asked = fake.calls.filter(({ kind }) => kind === 'referrers')
  expect(asked.at(-1)!.url.searchParams.get('artifactType')).toBe(artifactType)
})

test.each([
  ['ghcr.io', ghcr, 'owner/name'],
  ['registry.gitlab.com', gitlab, 'owner/name'],
] as const)('%s: a repository that one may not see stays refused', async (name, settings, path) => {
  const fake = createFakeRegistry(settings)
  const mirror = createTestMirror({ fetch: fake.fetch })
  const answer = await mirror.get(`/v2/${name}/${path}/referrers/${subject.root.digest}`)
  expect([answer.status, answer.code]).toEqual([403, 'DENIED'])
})
