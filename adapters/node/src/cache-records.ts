import { join } from 'node:path'
import {
  type Clock,
  type NotedHolding,
  type NotedTag,
  parseNotedHolding,
  parseNotedTag,
} from '@pullway/core'
import { absentAsUndefined, type FileSystem } from './file-system.ts'
import { parseState } from './state-file.ts'

/** What the state folder says of the contents: their names, and who holds them. */
export interface CacheRecords {
  readonly tags: readonly (NotedTag & Placed)[]
  readonly holdings: readonly (NotedHolding & Placed)[]
}

interface Placed {
  /** The record's file. */
  readonly place: string
}

/** Empty where state is not on files: Redis does not list what it has. */
export async function readRecords(
  files: FileSystem,
  path: string,
  clock: Clock,
): Promise<CacheRecords> {
  const tags: (NotedTag & Placed)[] = []
  const holdings: (NotedHolding & Placed)[] = []
  const root = join(path, 'state')
  for (const folder of (await absentAsUndefined(files.readdir(root))) ?? []) {
    for (const name of (await absentAsUndefined(files.readdir(join(root, folder)))) ?? []) {
      if (name.includes('~')) continue
      const place = join(root, folder, name)
      const text = await absentAsUndefined(files.readFile(place, 'utf8'))
      const entry = text === undefined ? undefined : parseState(text)
      if (!entry || entry.expiresAt <= clock.now()) continue
      const tag = parseNotedTag(entry.key, entry.value)
      const holding = parseNotedHolding(entry.key, entry.value)
      if (tag) tags.push({ ...tag, place })
      if (holding) holdings.push({ ...holding, place })
    }
  }
  return { tags, holdings }
}
