import type { Clock, LogFields, Pullway, UsersFile } from '@pullway/core'
import { type Config, ConfigError } from '@pullway/core/config'
import { keepFixed } from './fixed-config.ts'
import type { ConsoleLogger } from './logger.ts'
import type { ReadConfig } from './read-config.ts'
import { UserError } from './user-error.ts'
import { readUsersFile } from './users-file.ts'
import { watchFiles } from './watch-files.ts'

/** A configuration that can be read again. */
export interface ConfigSource extends Pick<ReadConfig, 'text'> {
  /** On the disk, also while it is not there. */
  readonly path: string | undefined
  readonly read: () => Promise<ReadConfig>
}

export interface ReloadOptions {
  readonly config: Config
  readonly users: UsersFile | undefined
  /** Undefined: the configuration stays, and only the users are read again. */
  readonly source: ConfigSource | undefined
  readonly pullway: Pick<Pullway, 'replace' | 'replaceUsers'>
  readonly logger: ConsoleLogger
  readonly clock: Clock
  readonly signal: AbortSignal
}

export interface Reload {
  /** What the server runs with. */
  config(): Config
  /** Reads all now, whether it has changed or not. */
  now(): Promise<void>
}

/** Reads the configuration and the users again when their files change, until the signal aborts. */
export function createReload(options: ReloadOptions): Reload {
  const { source, pullway, logger, clock, signal } = options
  let { config, users } = options
  let text = source?.text
  /** Of a configuration that was refused. */
  let wantedUsers: string | undefined
  let complaints = ''
  let last: Promise<unknown> = Promise.resolve()

  void watchFiles({ files, clock, signal, onChange: () => inTurn(false) })
  return {
    config: () => config,
    now: async () => {
      await inTurn(true)
    },
  }

  function files(): readonly string[] {
    const all = [source?.path, config.access.users?.htpasswd, wantedUsers]
    return all.filter((file) => file !== undefined)
  }

  function inTurn(isAsked: boolean): Promise<boolean> {
    const turn = last.then(() => readAll(isAsked))
    last = turn
    return turn
  }

  /** Users who are removed are out, also while the configuration is wrong. */
  async function readAll(isAsked: boolean): Promise<boolean> {
    const before = { config, users }
    const found: Complaint[] = []
    await readConfigAgain().catch((error: unknown) => {
      found.push(['The new configuration is refused, and the old one stays', error])
    })
    await readUsersAgain().catch((error: unknown) => {
      found.push(['The users stay as they were', error])
    })
    complain(found, isAsked)
    const isSame = found.length === 0 && config === before.config && users === before.users
    if (isAsked && isSame) logger.info('The configuration and the users are as they were')
    return found.length === 0
  }

  async function readConfigAgain(): Promise<void> {
    const read = await source?.read()
    if (!read || read.text === text) return
    // Half written, or taken away: the defaults would let in everybody.
    if (isEmpty(read.text) && !isEmpty(text)) throw new UserError(`${read.file}: there is nothing`)
    const { htpasswd } = read.config.access.users ?? {}
    wantedUsers = htpasswd
    const readUsers = htpasswd === undefined ? undefined : await readUsersFile(htpasswd)
    const { config: changed, waiting } = keepFixed(read.config, config)
    pullway.replace(changed, readUsers)
    config = changed
    users = readUsers
    text = read.text
    logger.change?.(config.log)
    logger.info('The configuration was read anew', { file: read.file })
    for (const key of waiting) {
      logger.warn('A change waits for a restart, and the old value stays', { key })
    }
  }

  async function readUsersAgain(): Promise<void> {
    const { htpasswd } = config.access.users ?? {}
    if (htpasswd === undefined) return
    const read = await readUsersFile(htpasswd)
    if (read.text === users?.text) return
    users = read
    pullway.replaceUsers(read)
  }

  /** Once, however often the files are looked at. */
  function complain(found: readonly Complaint[], isAsked: boolean): void {
    const lines = found.flatMap(([message, error]) =>
      describe(error).map((fields) => ({ message, fields })),
    )
    const all = JSON.stringify(lines)
    if (isAsked || all !== complaints) {
      for (const { message, fields } of lines) logger.error(message, fields)
    }
    complaints = all
  }
}

function isEmpty(text = ''): boolean {
  return text.trim() === ''
}

type Complaint = readonly [message: string, error: unknown]

function describe(error: unknown): readonly LogFields[] {
  if (!(error instanceof ConfigError)) {
    return [{ error: error instanceof Error ? error.message : String(error) }]
  }
  return error.mistakes.map(({ file, line, key, message }) => ({
    file,
    ...(line > 0 && { line }),
    ...(key !== '' && { key }),
    mistake: message,
  }))
}
