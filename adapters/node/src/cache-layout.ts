import { join } from 'node:path'
import { type Digest, isDigest } from '@pullway/core'

/** Where in the folder of a cache things are: `blobs/<algorithm>/<2 hex>/<hex>` holds whole blobs only. */
export const algorithms = ['sha256', 'sha512'] as const

export function ingestFolder(path: string): string {
  return join(path, 'ingest')
}

export function blobPath(path: string, digest: Digest): string {
  // Checked where it was parsed; checked again since here it becomes a path.
  if (!isDigest(digest)) throw new TypeError('A digest that is none came to the store')
  const [algorithm = '', hex = ''] = digest.split(':')
  return join(path, 'blobs', algorithm, hex.slice(0, 2), hex)
}

export interface BlobFolder {
  readonly place: string
  readonly algorithm: string
  readonly prefix: string
}

/** The digest of the file of that name; undefined of a file that does not belong there. */
export function digestOfFile({ algorithm, prefix }: BlobFolder, name: string): Digest | undefined {
  const digest = `${algorithm}:${name}`
  return isDigest(digest) && name.startsWith(prefix) ? digest : undefined
}
