import { expect } from 'vitest'
import type { Content, Image } from '../clients/upstream/images.ts'
import { accept, expectContent } from './expect.ts'
import type { World } from './world.ts'

/** A whole pull of all platforms over plain HTTP, every byte compared. */
export async function pullAll(world: World, image: Image): Promise<void> {
  const root = `/v2/${image.repository}`
  const top = await world.ask(`${root}/manifests/${image.tag}`, { headers: { accept } })
  expectContent(top, topOf(image))
  for (const manifest of image.manifests)
    expectContent(
      await world.ask(`${root}/manifests/${manifest.digest}`, { headers: { accept } }),
      manifest,
    )
  for (const blob of image.blobs)
    expectContent(await world.ask(`${root}/blobs/${blob.digest}`), blob)
}

/** What the tag names. */
export function topOf({ manifests }: Image): Content {
  const top = manifests.at(-1)
  expect(top).toBeDefined()
  return top!
}
