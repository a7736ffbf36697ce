import { basename, join } from 'node:path'
import type { Clock } from '@pullway/core'
import { absentAsUndefined, type FileSystem, nodeFileSystem } from './file-system.ts'
import { parseState } from './state-file.ts'

export interface SweepStateOptions {
  readonly path: string
  readonly clock: Clock
  /** How many entries one sweep may look at. */
  readonly maxEntries?: number
  readonly files?: FileSystem
}

/** A write aside takes milliseconds: one of that age has lost its writer. */
const abandonedMilliseconds = 60 * 60 * 1000

/** Removes entries of the state folder that are expired or no entries; gives the number of files removed. */
export async function sweepExpiredState({
  path,
  clock,
  maxEntries = 10_000,
  files = nodeFileSystem,
}: SweepStateOptions): Promise<number> {
  const root = join(path, 'state')
  const folders = (await absentAsUndefined(files.readdir(root))) ?? []
  // Begins elsewhere each time, so that a bounded sweep gets everywhere in the end.
  const begin = clock.now() % Math.max(1, folders.length)
  let seen = 0
  let removed = 0
  for (const folder of [...folders.slice(begin), ...folders.slice(0, begin)]) {
    for (const name of (await absentAsUndefined(files.readdir(join(root, folder)))) ?? []) {
      if (seen >= maxEntries) return removed
      seen += 1
      const place = join(root, folder, name)
      if (!(await isSpent(files, place, clock.now()))) continue
      await absentAsUndefined(files.unlink(place))
      removed += 1
    }
  }
  return removed
}

async function isSpent(files: FileSystem, place: string, now: number): Promise<boolean> {
  if (basename(place).includes('~')) {
    const entry = await absentAsUndefined(files.stat(place))
    return entry !== undefined && now - entry.mtimeMs > abandonedMilliseconds
  }
  const text = await absentAsUndefined(files.readFile(place, 'utf8'))
  if (text === undefined) return false
  const entry = parseState(text)
  return entry === undefined || entry.expiresAt <= now
}
