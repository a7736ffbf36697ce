import { stat } from 'node:fs/promises'
import type { Clock } from '@pullway/core'

/** How soon a change is seen without a SIGHUP. */
const lookEveryMs = 2_000
/** Who writes a file in several pieces, or puts a new one in its place, is left to end. */
const settleMs = 250
const mostLooks = 20

export interface WatchOptions {
  /** Their names, now: what is read may name others. */
  readonly files: () => readonly string[]
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Resolves to whether all could be read; else it is called again soon. */
  readonly onChange: () => Promise<boolean>
}

/**
 * Looks at files until the signal aborts: a notice of the system's gets lost on network disks and in containers.
 * The first look counts as a change, as the files were read before it.
 */
export async function watchFiles({ files, clock, signal, onChange }: WatchOptions): Promise<void> {
  let seen: string | undefined
  let isRead = false
  while (await pause(lookEveryMs)) {
    const now = await lookAt(files())
    if (now === seen && isRead) continue
    seen = now === seen ? now : await settled(now)
    if (!signal.aborted) isRead = await onChange()
  }

  async function pause(milliseconds: number): Promise<boolean> {
    await clock.sleep(milliseconds, signal)
    return !signal.aborted
  }

  async function settled(first: string): Promise<string> {
    let last = first
    for (let looks = 0; looks < mostLooks && (await pause(settleMs)); looks += 1) {
      const now = await lookAt(files())
      if (now === last) return now
      last = now
    }
    return last
  }
}

async function lookAt(files: readonly string[]): Promise<string> {
  return (await Promise.all(files.map(look))).join('\n')
}

/** What changes with every change, also with one of who may read it. */
async function look(file: string): Promise<string> {
  try {
    const { ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true })
    return [file, ino, size, mtimeNs, ctimeNs].join()
  } catch {
    return file
  }
}
