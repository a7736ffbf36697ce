import { type Eviction } from '@pullway/core'
import { parseDuration } from '@pullway/core/config'
import { evict, type Evicted } from './cache-evict.ts'
import { type CacheFolder, openCacheFolder } from './cache-folder.ts'
import { formatSize } from './format-size.ts'
import { removeLeftovers } from './leftovers.ts'
import { ingestFolder } from './cache-layout.ts'
import type { ConfigFlags } from './read-config.ts'
import type { Surroundings } from './surroundings.ts'
import { UserError } from './user-error.ts'

export interface PruneFlags extends ConfigFlags {
  readonly allUnreferenced?: boolean
  readonly olderThan?: string
}

type Decide = (eviction: Eviction) => 'take' | 'skip' | 'stop'

/** `pullway cache prune` */
export async function pruneCache(flags: PruneFlags, surroundings: Surroundings): Promise<void> {
  const before = flags.olderThan === undefined ? undefined : parseAge(flags.olderThan)
  const folder = await openCacheFolder(flags, surroundings)
  const { maxBytes, path, clock, files } = folder
  const evicted: Evicted = { files: 0, bytes: 0 }
  const prune = async (decide: Decide): Promise<void> => {
    const more = await evictPatiently(folder, decide)
    evicted.files += more.files
    evicted.bytes += more.bytes
  }
  if (flags.allUnreferenced) await prune(({ isImage }) => (isImage ? 'stop' : 'take'))
  if (before !== undefined) {
    const limit = clock.now() - before
    // Images come in order of their use, blobs that none needs before all of them.
    await prune(({ usedAt, isImage }) => (usedAt < limit ? 'take' : isImage ? 'stop' : 'skip'))
  }
  if (!flags.allUnreferenced && before === undefined) {
    if (maxBytes === undefined) {
      throw new UserError(
        'nothing says how much: set cache.blobs.maxSize, or use --older-than or --all-unreferenced',
      )
    }
    await prune(() => (folder.index.bytes() > maxBytes ? 'take' : 'stop'))
  }
  const logger = { info: none, warn: none, error: none, access: none }
  const leftovers = await removeLeftovers({ folder: ingestFolder(path), clock, logger, files })
  const also = leftovers === 0 ? '' : `, and ${leftovers} of downloads that were broken off`
  surroundings.stdout(
    `removed ${evicted.files} files, ${formatSize(evicted.bytes)}${also}; ` +
      `${formatSize(folder.index.bytes())} are left\n`,
  )
}

const patienceMs = 10_000
const pauseMs = 200

async function evictPatiently(folder: CacheFolder, decide: Decide): Promise<Evicted> {
  for (let waited = 0; waited < patienceMs; waited += pauseMs) {
    const evicted = await evict(folder, decide)
    if (evicted) return evicted
    await folder.clock.sleep(pauseMs)
  }
  throw new UserError('another process is making room in that folder: try again later')
}

function parseAge(text: string): number {
  try {
    return parseDuration(text, { least: '0s', most: '3650d' })
  } catch (error) {
    throw new UserError(`--older-than ${(error as Error).message}`, { cause: error })
  }
}

function none(): void {
  // The command says how many there were.
}
