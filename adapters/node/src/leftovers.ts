import { randomUUID } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import type { Clock, Logger } from '@pullway/core'
import { absentAsUndefined, type FileSystem, hasCode } from './file-system.ts'

/** Who writes a file aside, and when it began to live, for a process id is given again. */
export interface Writer {
  /** Where the process id means something: one boot of one machine, one process id namespace. */
  readonly place: string
  readonly pid: number
  /** Epoch milliseconds. */
  readonly startedAt: number
}

export const thisWriter: Writer = {
  place: [
    hostname().replaceAll(/[^A-Za-z0-9.-]/g, '-'),
    // Containers may share a host name and a folder, and virtual machines are cloned with their names.
    textOrNothing(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')).slice(0, 8),
    textOrNothing(() => readlinkSync('/proc/self/ns/pid')).replaceAll(/\D/g, ''),
  ].join('_'),
  pid: process.pid,
  startedAt: Math.round(performance.timeOrigin),
}

/** A name that no other write has, and that tells later who wrote it. */
export function ingestName(writer: Writer = thisWriter): string {
  return `${writer.place}~${writer.pid}~${writer.startedAt}~${randomUUID()}`
}

export interface RemoveLeftoversOptions {
  readonly folder: string
  readonly clock: Clock
  readonly logger: Logger
  readonly files: FileSystem
}

/** Removes the files of writers that are dead, or that nothing is known of and that are quiet for an hour. */
export async function removeLeftovers(options: RemoveLeftoversOptions): Promise<number> {
  const { folder, logger, files } = options
  let removed = 0
  try {
    for (const name of (await absentAsUndefined(files.readdir(folder))) ?? []) {
      if (!(await isLeftover(name, options))) continue
      // Another process may sweep at the same time.
      await absentAsUndefined(files.unlink(join(folder, name)))
      removed += 1
    }
    if (removed > 0) logger.info('Removed what unfinished downloads had left', { files: removed })
  } catch (error) {
    logger.warn('Cannot remove what unfinished downloads have left', { error: String(error) })
  }
  return removed
}

const quietMilliseconds = 60 * 60 * 1000

const namePattern = /^(?<place>[^~]*)~(?<pid>[1-9]\d{0,9})~(?<startedAt>\d+)~[^~]+$/

async function isLeftover(
  name: string,
  { folder, clock, files }: RemoveLeftoversOptions,
): Promise<boolean> {
  const isSpent = isDead(name)
  if (isSpent !== undefined) return isSpent
  const entry = await absentAsUndefined(files.stat(join(folder, name)))
  return entry !== undefined && clock.now() - entry.mtimeMs > quietMilliseconds
}

/** Whether who has that name has ended; undefined where that cannot be known from here. */
export function isDead(name: string): boolean | undefined {
  const { place, pid, startedAt } = namePattern.exec(name)?.groups ?? {}
  if (place !== thisWriter.place) return undefined
  if (Number(pid) === thisWriter.pid) return Number(startedAt) !== thisWriter.startedAt
  return !isAlive(Number(pid))
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // Another user's process cannot be signalled, but it is there.
    return !hasCode(error, 'ESRCH')
  }
}

/** Only Linux tells. */
function textOrNothing(read: () => string): string {
  try {
    return read()
  } catch {
    return ''
  }
}
