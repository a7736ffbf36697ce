import { afterAll, beforeAll, expect, test } from 'vitest'
import { startMirror, type Mirror } from './mirror.ts'
import { createSkopeo, type Skopeo } from './skopeo.ts'
import { makeImage, makeMultiImage } from './upstream/images.ts'
import { startUpstream, type Upstream } from './upstream/upstream.ts'

const multi = makeMultiImage(
  'library/pullway-multi:1.0',
  [{ os: 'linux', architecture: 'arm64' }],
  [300_000, 20_000],
)
const tags = ['1.0', '1.1', 'latest']
const tagged = tags.map((tag) => makeImage(`owner/pullway-tags:${tag}`, [1000]))

let hub: Upstream
let mirror: Mirror
let skopeo: Skopeo

beforeAll(async () => {
  hub = await startUpstream()
  await hub.seed(multi, ...tagged)
  mirror = await startMirror({ upstreams: { 'docker.io': hub.url } })
  skopeo = await createSkopeo()
})

afterAll(async () => {
  await skopeo.stop()
  await mirror.stop()
  await hub.stop()
})

test('skopeo inspect tells the index of the tag and costs no layer', async () => {
  const inspected = await skopeo.inspect(`${mirror.host}/docker.io/pullway-multi:1.0`)
  expect(inspected.Digest).toBe(multi.digest)
  const layers = multi.blobs.filter(({ digest }) => inspected.Layers.includes(digest))
  expect(layers).toHaveLength(2)
  const asked = hub.asked({ host: 'cdn' }).map(({ path }) => path)
  const isAsked = ({ digest }: { readonly digest: string }): boolean =>
    asked.some((path) => path.includes(digest.slice('sha256:'.length)))
  expect(layers.filter(isAsked)).toEqual([])
})

test('skopeo inspect of a digest finds the same', async () => {
  const inspected = await skopeo.inspect(
    `${mirror.host}/docker.io/pullway-multi@${multi.usual.digest}`,
  )
  expect(inspected.Digest).toBe(multi.usual.digest)
})

test('skopeo list-tags lists what the upstream has', async () => {
  const listed = await skopeo.listTags(`${mirror.host}/owner/pullway-tags`)
  expect(listed.toSorted()).toEqual(tags)
  expect(hub.asked({ kind: 'tags' }).map(({ status }) => status)).toContain(200)
})
