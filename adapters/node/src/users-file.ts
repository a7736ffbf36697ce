import { readFile, stat } from 'node:fs/promises'
import type { Clock, Logger, UsersFile } from '@pullway/core'
import { reasonOf } from './read-config.ts'
import { UserError } from './user-error.ts'

/** How soon a change is seen without a SIGHUP. */
const lookEveryMs = 2_000

export interface WatchOptions {
  /** The file as it was read at the start. */
  readonly first: UsersFile
  readonly clock: Clock
  readonly logger: Logger
  readonly signal: AbortSignal
  readonly onChange: (file: UsersFile) => void
}

export interface UsersWatch {
  /** Reads the file now, whether it has changed or not. */
  reload(): Promise<void>
}

export async function readUsersFile(file: string): Promise<UsersFile> {
  try {
    return { file, text: await readFile(file, 'utf8') }
  } catch (error) {
    const problem = `cannot read the users in ${file}: ${reasonOf(error)}`
    throw new UserError(problem, { cause: error })
  }
}

/** Looks at the file until the signal aborts: a notice of the system's gets lost on network disks and in containers. */
export function watchUsersFile(options: WatchOptions): UsersWatch {
  const { first, clock, logger, signal, onChange } = options
  const { file } = first
  let { text } = first
  let isMissed = false

  const reload = async (): Promise<void> => {
    try {
      const read = await readUsersFile(file)
      isMissed = false
      if (read.text === text) return
      text = read.text
      onChange(read)
    } catch (error) {
      // Some editors take a file away before they put the new one in its place.
      if (!isMissed) logger.error('The users stay as they were', { error: describe(error) })
      isMissed = true
    }
  }

  const keepLooking = async (): Promise<void> => {
    let seen = await look(file)
    for (;;) {
      await clock.sleep(lookEveryMs, signal)
      if (signal.aborted) return
      const now = await look(file)
      if (now !== seen || isMissed) await reload()
      seen = now
    }
  }
  void keepLooking()
  return { reload }
}

/** What changes with every change; undefined while there is none. */
async function look(file: string): Promise<string | undefined> {
  try {
    const { ino, size, mtimeNs } = await stat(file, { bigint: true })
    return [ino, size, mtimeNs].join()
  } catch {
    return undefined
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
