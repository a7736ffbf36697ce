import type { Image } from '../clients/upstream/images.ts'
import { ask, type Wanted } from './outcome.ts'
import type { Column } from './table.ts'
import { eventually } from './turns.ts'

/** What a cell of the matrix asks for, of its image. */
export interface Pulls {
  readonly column: Column
  readonly wanted: Wanted
  /** The whole image gets into the cache. */
  keep(): Promise<void>
}

/** `base` is the address of the image's repository at the mirror. */
export function toPulls(base: string, column: Column, image: Image): Pulls {
  const { tag, digest, manifests } = image
  const manifest = { content: manifests.at(-1)!, kind: 'manifest' } as const
  const byTag: Wanted = { ...manifest, url: `${base}/manifests/${tag}` }
  const byDigest: Wanted = { ...manifest, url: `${base}/manifests/${digest}` }
  const blobs = image.blobs.map((content): Wanted => ({
    url: `${base}/blobs/${content.digest}`,
    content,
    kind: 'blob',
  }))
  const layer = blobs.at(-1)!
  const wanted = { tag: byTag, stale: byTag, digest: byDigest, blob: layer, warm: layer }
  return {
    column,
    wanted: wanted[column.replace(', 2', '') as keyof typeof wanted],
    async keep() {
      await Promise.all([byTag, ...blobs].map(ask))
      const areKept = async (): Promise<boolean> => {
        const words = await Promise.all(blobs.map(async (blob) => (await ask(blob)).word))
        return words.every((word) => word === 'hit')
      }
      await eventually('it is kept', areKept, 20_000)
    },
  }
}
