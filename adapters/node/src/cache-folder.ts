import { resolve } from 'node:path'
import type { Config } from '@pullway/core/config'
import type { EvictOptions } from './cache-evict.ts'
import { createCacheIndex } from './cache-index.ts'
import { type CacheRecords, readRecords } from './cache-records.ts'
import { systemClock } from './clock.ts'
import { nodeFileSystem } from './file-system.ts'
import { type ConfigFlags, readConfig } from './read-config.ts'
import type { Surroundings } from './surroundings.ts'
import { UserError } from './user-error.ts'

/** A cache on a disk, for the commands that look after it, whether a server runs on it or not. */
export interface CacheFolder extends EvictOptions {
  readonly config: Config
  readonly maxBytes: number | undefined
  readonly records: CacheRecords
}

export async function openCacheFolder(
  flags: ConfigFlags,
  surroundings: Surroundings,
): Promise<CacheFolder> {
  const { config } = await readConfig(flags, surroundings)
  const { blobs } = config.cache
  if (blobs.driver !== 'filesystem') {
    throw new UserError(
      `these commands are for a cache on files, and cache.blobs.driver is ${blobs.driver}`,
    )
  }
  const path = resolve(surroundings.folder, blobs.path)
  const [clock, files] = [systemClock, nodeFileSystem]
  const index = createCacheIndex({ path, clock, files })
  await index.scan()
  const records = await readRecords(files, path, clock)
  const { maxBytes } = blobs
  const here = { ...config, cache: { ...config.cache, blobs: { ...blobs, path } } }
  return { config: here, path, maxBytes, clock, files, index, records }
}
