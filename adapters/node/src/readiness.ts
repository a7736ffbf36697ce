import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '@pullway/core'

export interface ReadinessOptions {
  /** Of the cache; undefined where it is not on a disk. */
  readonly folder: string | undefined
  readonly clock: Clock
  readonly isStopping: () => boolean
}

/** Probes of load balancers come often, and each would write to the disk. */
const rememberMs = 5000

/** What keeps the server from being ready: nothing, when all is well. */
export function createReadiness(options: ReadinessOptions): () => Promise<readonly string[]> {
  const { folder, clock, isStopping } = options
  let checked: { readonly at: number; readonly problems: Promise<readonly string[]> } | undefined
  return async () => {
    if (isStopping()) return ['stopping']
    if (folder === undefined) return []
    if (checked === undefined || Math.abs(clock.now() - checked.at) >= rememberMs) {
      checked = { at: clock.now(), problems: tryToWrite(folder) }
    }
    return await checked.problems
  }
}

/** Always the same file, so that a crash leaves none behind; several processes may write it at a time. */
async function tryToWrite(folder: string): Promise<readonly string[]> {
  try {
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, '.writable'), 'x')
    return []
  } catch (error) {
    const { code = 'an error' } = error as NodeJS.ErrnoException
    return [`cache folder not writable (${code})`]
  }
}
