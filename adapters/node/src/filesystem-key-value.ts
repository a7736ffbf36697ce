import { createHash, randomUUID } from 'node:crypto'
import { dirname, join } from 'node:path'
import type { Clock, KeyValue } from '@pullway/core'
import { absentAsUndefined, type FileSystem, inFolder, nodeFileSystem } from './file-system.ts'
import { formatState, parseState } from './state-file.ts'

export interface FilesystemKeyValueOptions {
  readonly path: string
  readonly clock: Clock
  readonly files?: FileSystem
}

/**
 * `state/<2 hex>/<sha256 of the key>` holds one entry each. Written aside and renamed, but not synced: what a
 * power cut takes can be asked for again.
 */
export function createFilesystemKeyValue({
  path,
  clock,
  files = nodeFileSystem,
}: FilesystemKeyValueOptions): KeyValue {
  return {
    async get(key) {
      const place = statePath(path, key)
      const text = await absentAsUndefined(files.readFile(place, 'utf8'))
      if (text === undefined) return undefined
      const entry = parseState(text)
      // An expired one stays for the sweep: between reading and removing it, a new one may have come.
      if (entry === undefined) await absentAsUndefined(files.unlink(place))
      return entry?.key === key && clock.now() < entry.expiresAt ? entry.value : undefined
    },

    async set(key, value, ttlSeconds) {
      const place = statePath(path, key)
      const aside = `${place}~${randomUUID()}`
      const text = formatState({ key, value, expiresAt: clock.now() + ttlSeconds * 1000 })
      try {
        await inFolder(files, dirname(place), () => files.writeFile(aside, text, { mode: 0o644 }))
        await files.rename(aside, place)
      } catch (error) {
        await Promise.allSettled([files.unlink(aside)])
        throw error
      }
    },

    async delete(key) {
      await absentAsUndefined(files.unlink(statePath(path, key)))
    },
  }
}

function statePath(path: string, key: string): string {
  const hex = createHash('sha256').update(key).digest('hex')
  return join(path, 'state', hex.slice(0, 2), hex)
}
