import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startContainerd } from './containerd.ts'
import { startDocker } from './docker.ts'
import { startMirror, type Mirror } from './mirror.ts'
import { createPodman } from './podman.ts'
import { createSkopeo } from './skopeo.ts'
import type { Client } from './stored.ts'
import type { Asked } from './upstream/front.ts'
import { makeImage, makeMultiImage, type Image } from './upstream/images.ts'
import { startUpstream, type Upstream } from './upstream/upstream.ts'

const MB = 1_000_000

// Names that no real registry has: a client that left the mirror would find nothing.
const five = makeImage('library/pullway-five:1.0', [3 * MB, MB, 2 * MB, MB / 2, 1000])
const schema2 = makeImage('owner/pullway-schema2:1.0', [MB, MB / 4], 'schema2')
const multi = makeMultiImage(
  'library/pullway-multi:1.0',
  [
    { os: 'linux', architecture: 'arm64' },
    { os: 'linux', architecture: 'arm', variant: 'v7' },
  ],
  [MB, MB / 2],
)
const tool = makeMultiImage(
  'owner/pullway-tool:1.0',
  [{ os: 'linux', architecture: 'arm64' }],
  [MB],
)

interface Way {
  readonly name: string
  readonly start: (mirror: Mirror) => Promise<Client>
  /** What a person types, and which image that is. */
  readonly pulls: (mirror: Mirror) => readonly (readonly [name: string, image: Image])[]
  /** Which of an index and the platform's manifest the client keeps as the image's digest. */
  readonly keeps: 'index' | 'platform'
}

const fullNames: Way['pulls'] = () => [
  ['docker.io/library/pullway-five:1.0', five],
  ['docker.io/library/pullway-multi:1.0', multi],
  ['docker.io/owner/pullway-schema2:1.0', schema2],
  ['ghcr.io/owner/pullway-tool:1.0', tool],
]

const byPrefix: Way['pulls'] = ({ host }) => [
  [`${host}/pullway-five:1.0`, five],
  [`${host}/docker.io/pullway-multi:1.0`, multi],
  [`${host}/docker.io/owner/pullway-schema2:1.0`, schema2],
  [`${host}/ghcr.io/owner/pullway-tool:1.0`, tool],
]

const toMirror = ({ host }: Mirror): Record<string, string> => ({
  'docker.io': host,
  'ghcr.io': `${host}/ghcr.io`,
})

const ways: readonly Way[] = [
  {
    name: 'dockerd through registry-mirrors',
    start: ({ url }) => startDocker({ registryMirrors: [url] }),
    pulls: () => [
      ['pullway-five:1.0', five],
      ['docker.io/library/pullway-multi:1.0', multi],
      ['owner/pullway-schema2:1.0', schema2],
    ],
    keeps: 'index',
  },
  { name: 'dockerd by name', start: () => startDocker(), pulls: byPrefix, keeps: 'index' },
  {
    name: 'podman through registries.conf',
    start: (mirror) => createPodman(toMirror(mirror)),
    pulls: fullNames,
    keeps: 'index',
  },
  { name: 'podman by name', start: () => createPodman(), pulls: byPrefix, keeps: 'index' },
  {
    name: 'containerd through hosts.toml',
    start: ({ url }) => startContainerd({ 'docker.io': url, 'ghcr.io': url }),
    pulls: fullNames,
    keeps: 'index',
  },
  { name: 'containerd by name', start: () => startContainerd(), pulls: byPrefix, keeps: 'index' },
  {
    name: 'skopeo through registries.conf',
    start: (mirror) => createSkopeo({ mirrors: toMirror(mirror) }),
    pulls: fullNames,
    keeps: 'platform',
  },
  {
    name: 'skopeo by name into an OCI layout',
    start: () => createSkopeo({ transport: 'oci' }),
    // Without schema2, which skopeo would convert.
    pulls: (mirror) => byPrefix(mirror).filter(([, image]) => image !== schema2),
    keeps: 'platform',
  },
  {
    name: 'skopeo copy --all',
    start: () => createSkopeo({ all: true }),
    pulls: byPrefix,
    keeps: 'index',
  },
]

let hub: Upstream
let github: Upstream

beforeAll(async () => {
  ;[hub, github] = await Promise.all([startUpstream(), startUpstream()])
  await Promise.all([hub.seed(five, multi, schema2), github.seed(tool)])
})

afterAll(async () => {
  await Promise.all([hub.stop(), github.stop()])
})

describe.each(ways)('$name', ({ start, pulls, keeps }) => {
  let mirror: Mirror
  let client: Client

  beforeAll(async () => {
    const upstreams = { 'docker.io': hub.url, 'ghcr.io': github.url }
    mirror = await startMirror({ upstreams })
    client = await start(mirror)
  })

  afterEach(async () => {
    expect(blobRequests().filter(({ authorization }) => authorization)).toEqual([])
    for (const upstream of [hub, github]) upstream.forget()
    await client.forget()
  })

  afterAll(async () => {
    await client.stop()
    await mirror.stop()
    await Promise.all([hub.on(), github.on()])
  })

  test('cold: what is stored is what the upstream has, each blob asked for once', async () => {
    await pullAll()
    const paths = blobRequests().map(({ path }) => path)
    expect(paths.length).toBeGreaterThan(0)
    expect(paths).toEqual([...new Set(paths)])
  })

  test('warm: no blob is asked for', async () => {
    await pullAll()
    expect(blobRequests()).toEqual([])
  })

  test('with the upstream switched off', async () => {
    await Promise.all([hub.off(), github.off()])
    await pullAll()
  })

  async function pullAll(): Promise<void> {
    for (const [name, image] of pulls(mirror)) {
      const { digests, id, diffIds } = await client.pull(name)
      const { digest, usual } = image
      expect.soft(digests, name).toContain(keeps === 'index' ? digest : usual.digest)
      expect.soft({ id, diffIds }, name).toEqual({ id: usual.id, diffIds: usual.diffIds })
    }
  }
})

function blobRequests(): readonly Asked[] {
  return [hub, github].flatMap((upstream) => upstream.asked({ host: 'cdn' }))
}
