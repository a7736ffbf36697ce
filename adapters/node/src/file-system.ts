import { constants, type Stats, type StatsFs } from 'node:fs'
import * as fs from 'node:fs/promises'

/** What the filesystem stores use of node:fs: replaced where a test needs a full or failing disk. */
export interface FileSystem {
  readonly link: (existing: string, path: string) => Promise<void>
  readonly mkdir: (path: string, options: { readonly recursive: true }) => Promise<unknown>
  readonly open: (path: string, flags: string | number, mode?: number) => Promise<fs.FileHandle>
  readonly readdir: (path: string) => Promise<readonly string[]>
  readonly readFile: (path: string, encoding: 'utf8') => Promise<string>
  readonly rename: (from: string, to: string) => Promise<void>
  readonly stat: (path: string) => Promise<Stats>
  readonly statfs: (path: string) => Promise<Pick<StatsFs, 'bavail' | 'blocks' | 'bsize'>>
  readonly unlink: (path: string) => Promise<void>
  /** In seconds since 1970. */
  readonly utimes: (path: string, accessed: number, modified: number) => Promise<void>
  readonly writeFile: (
    path: string,
    text: string,
    options: { readonly mode: number; readonly flag?: string },
  ) => Promise<void>
}

export const nodeFileSystem: FileSystem = fs

/** Without waiting: to open a pipe that lies where a file should be would take until somebody writes into it. */
export const toRead: number = constants.O_RDONLY | constants.O_NONBLOCK

export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}

/** Does the work, and where it fails for want of the folder, makes that and does it again. */
export async function inFolder<Result>(
  files: FileSystem,
  folder: string,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
    await files.mkdir(folder, { recursive: true })
    return await work()
  }
}

/** In all ports a thing that is not there is undefined, and a store that is broken throws. */
export async function absentAsUndefined<Result>(
  work: Promise<Result>,
): Promise<Result | undefined> {
  try {
    return await work
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}
