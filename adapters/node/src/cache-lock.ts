import { join } from 'node:path'
import type { Clock } from '@pullway/core'
import { isFull } from './disk-room.ts'
import { absentAsUndefined, type FileSystem, hasCode } from './file-system.ts'
import { ingestName, isDead } from './leftovers.ts'

export interface Lock {
  /** To be called at least every half minute while work goes on. */
  renew(): Promise<void>
  release(): Promise<void>
}

/** Whoever has not renewed its lock for so long is gone, or stopped. */
const leaseMs = 60_000

/**
 * One process at a time makes a folder smaller. That two do by an accident of time harms nobody: each removes
 * what is used least. Undefined while another one has it.
 */
export async function takeLock(
  files: FileSystem,
  path: string,
  clock: Clock,
): Promise<Lock | undefined> {
  const place = join(path, 'evict.lock')
  const owner = ingestName()
  if (!(await create(files, place, owner))) {
    if (!(await removeStale(files, place, clock))) return undefined
    if (!(await create(files, place, owner))) return undefined
  }
  // The file system's clock may be another one.
  const renew = (): Promise<void> => {
    const seconds = clock.now() / 1000
    return files.utimes(place, seconds, seconds).catch(() => undefined)
  }
  await renew()
  return {
    renew,
    async release() {
      const current = await files.readFile(place, 'utf8').catch(() => undefined)
      if (current === owner) await Promise.allSettled([files.unlink(place)])
    },
  }
}

async function create(files: FileSystem, place: string, owner: string): Promise<boolean> {
  try {
    await files.writeFile(place, owner, { mode: 0o644, flag: 'wx' })
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    if (!isFull(error)) throw error
    // A full disk has no room for a lock either, and nobody needs one more: what is left of it goes.
    await Promise.allSettled([files.unlink(place)])
    return true
  }
}

/** Moved aside first: between looking at a stale lock and removing it, it may have become another one's. */
async function removeStale(files: FileSystem, place: string, clock: Clock): Promise<boolean> {
  const stale = await absentAsUndefined(files.readFile(place, 'utf8'))
  const entry = await absentAsUndefined(files.stat(place))
  if (stale === undefined || entry === undefined) return true
  const isOver = Math.abs(clock.now() - entry.mtimeMs) > leaseMs
  if (!isOver && !isDead(stale)) return false
  const aside = `${place}~${ingestName()}`
  try {
    await files.rename(place, aside)
    const taken = await files.readFile(aside, 'utf8')
    if (taken !== stale) await files.link(aside, place).catch(() => undefined)
    await files.unlink(aside)
    return taken === stale
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return true
    throw error
  }
}
