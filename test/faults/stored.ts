import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Files of a cache that are visible under a digest and have other bytes. */
export async function findWrong(cache: string): Promise<readonly string[]> {
  const blobs = join(cache, 'blobs')
  const entries = await readdir(blobs, { recursive: true, withFileTypes: true }).catch(() => [])
  const wrong: string[] = []
  for (const entry of entries.filter((one) => one.isFile())) {
    const file = join(entry.parentPath, entry.name)
    // One that has been evicted meanwhile is none.
    const bytes = await readFile(file).catch(() => undefined)
    if (bytes && createHash('sha256').update(bytes).digest('hex') !== entry.name) wrong.push(file)
  }
  return wrong
}
