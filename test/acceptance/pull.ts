import { expect } from 'vitest'
import { until } from '../clients/process.ts'
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

/** Resolves when all that was pulled is in the cache: some platforms store behind the answer. */
export async function allKept(world: World, image: Image): Promise<void> {
  const isKept = async (digest: string): Promise<boolean> => {
    const path = `/v2/${image.repository}/blobs/${digest}`
    return String((await world.ask(path)).headers['cache-status']).startsWith('pullway; hit')
  }
  for (const { digest } of image.blobs) await until(`${digest} is kept`, () => isKept(digest))
}

/** What the tag names. */
export function topOf({ manifests }: Image): Content {
  const top = manifests.at(-1)
  expect(top).toBeDefined()
  return top!
}
