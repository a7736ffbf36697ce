import type { Config } from '../config/config.ts'
import { ConfigError } from '../config/mistakes.ts'
import { parseImagePattern, toPatternNames } from '../config/patterns.ts'
import type { Clock, CreateHasher, Logger } from '../ports.ts'
import { linesOf, parseUsers, type UserEntry, type UserLine } from './htpasswd.ts'
import type { PasswordMeans } from './password-hash.ts'

/** A file of users as the runtime has read it. */
export interface UsersFile {
  readonly file: string
  readonly text: string
}

/** Who may log in, now. */
export interface Users {
  find(name: string): UserEntry | undefined
  /** Whose service token it is, unless it has expired. */
  findToken(secret: string): UserEntry | undefined
  /** A user whose password takes as long to compare as some users' do; undefined if there is none. */
  decoy(name: string): UserEntry | undefined
  isCurrent(entry: UserEntry): boolean
  /** Takes a file's new text; a bad one is refused and logged, and the old users stay. */
  replace(changed: UsersFile): void
}

export interface UsersOptions {
  readonly config: Config
  readonly file: UsersFile | undefined
  readonly means: PasswordMeans
  readonly clock: Clock
  readonly createHasher: CreateHasher
  readonly logger: Logger
}

/** Throws a ConfigError that names all lines that are wrong. */
export function createUsers(options: UsersOptions): Users {
  const { config, file, clock, logger } = options
  if (config.access.users?.htpasswd !== undefined && !file) throw noFiles
  let table = createTable(options, file)

  return {
    find: (name) => table.byName.get(name),
    findToken(secret) {
      const entry = table.byDigest.get(hashText(options.createHasher, secret))
      return entry && isInTime(entry, clock) ? entry : undefined
    },
    decoy: (name) => table.decoy(name),
    isCurrent: (entry) =>
      table.byName.get(entry.name)?.text === entry.text && isInTime(entry, clock),
    replace(changed) {
      try {
        table = createTable(options, changed)
        logger.info('The users were read anew', { file: changed.file, users: table.byName.size })
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error
        for (const { file: name, line, message } of error.mistakes) {
          const fields = { file: name, line, mistake: message }
          logger.error('The new users are refused, and the old ones stay', fields)
        }
      }
    },
  }
}

/** One place for each digest, so that no secret is ever compared byte by byte. */
export function hashText(createHasher: CreateHasher, ...parts: readonly string[]): string {
  const hasher = createHasher('sha256')
  const text = parts.length === 1 ? (parts[0] ?? '') : JSON.stringify(parts)
  hasher.update(new TextEncoder().encode(text))
  return hasher.hex()
}

const noFiles = new ConfigError([
  {
    file: 'the configuration',
    line: 0,
    key: 'access.users.htpasswd',
    message: 'this platform has no files: put the lines into access.users.entries',
  },
])

interface Table {
  readonly byName: ReadonlyMap<string, UserEntry>
  readonly byDigest: ReadonlyMap<string, UserEntry>
  decoy(name: string): UserEntry | undefined
}

function createTable({ config, means }: UsersOptions, file: UsersFile | undefined): Table {
  const names = toPatternNames(config.upstreams)
  const entries = (config.access.users?.entries ?? []).map((text, index): UserLine => {
    const key = `access.users.entries[${String(index)}]`
    return { text, place: { file: 'the configuration', line: 0, key } }
  })
  const lines = [...entries, ...(file ? linesOf(file.file, file.text) : [])]
  const byName = parseUsers(lines, means, (pattern) => parseImagePattern(pattern, names))
  const withPassword: UserEntry[] = []
  const byDigest = new Map<string, UserEntry>()
  for (const entry of byName.values()) {
    if (entry.secret.scheme === 'token') byDigest.set(entry.secret.digest, entry)
    else withPassword.push(entry)
  }
  return {
    byName,
    byDigest,
    // The same for the same name, as a user's own cost is.
    decoy: (name) => withPassword[sumOf(name) % Math.max(withPassword.length, 1)],
  }
}

function isInTime({ secret }: UserEntry, clock: Clock): boolean {
  return secret.scheme !== 'token' || clock.now() < (secret.expiresAt ?? Infinity)
}

function sumOf(name: string): number {
  let sum = 0
  for (const character of name) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) >>> 0
  return sum
}
