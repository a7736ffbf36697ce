import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPodman } from '../clients/podman.ts'
import { createSkopeo } from '../clients/skopeo.ts'
import type { Client } from '../clients/stored.ts'
import { makeImage, makeMultiImage } from '../clients/upstream/images.ts'
import { startWorld, type World } from './world.ts'

const arm = { os: 'linux', architecture: 'arm64' }
const multi = makeMultiImage('library/pullway-multi:1.0', [arm], [300_000, 20_000])
const big = makeImage('library/pullway-big:1.0', [200_000_000])

let world: World

beforeAll(async () => {
  world = await startWorld(multi, big)
})

afterAll(() => world.stop())

const tools: readonly { readonly name: string; readonly create: () => Promise<Client> }[] = [
  { name: 'skopeo', create: () => createSkopeo({ all: true }) },
  { name: 'podman', create: () => createPodman() },
]

const images = [
  { what: 'a multi-arch image', image: multi },
  { what: 'an image of 200 MB', image: big },
]

test.each(tools.flatMap((tool) => images.map((image) => ({ ...tool, ...image }))))(
  '$name pulls $what',
  async ({ create, image }) => {
    const client = await create()
    try {
      const { id, diffIds } = image.usual
      const stored = await client.pull(`${world.host}/${image.repository}:${image.tag}`)
      expect(stored).toMatchObject({ id, diffIds })
      expect(stored.digests).toContain(image.digest)
    } finally {
      await client.stop()
    }
  },
)
