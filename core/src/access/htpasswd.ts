import { ConfigError, InvalidValue, type Mistake } from '../config/mistakes.ts'
import { parsePasswordHash, type PasswordHash, type PasswordMeans } from './password-hash.ts'

/** One line of a file of users: a person with a password, or a service with a token. */
export interface UserEntry {
  readonly name: string
  readonly secret: PasswordHash | ServiceToken
  /** All that the line says: when it changes, what was given out for it is of no use any more. */
  readonly text: string
}

export interface ServiceToken {
  readonly scheme: 'token'
  /** SHA-256 of the secret, in hex. */
  readonly digest: string
  /** Epoch milliseconds; undefined: does not expire. */
  readonly expiresAt: number | undefined
  /** Globs of the only images that it is for. */
  readonly images: readonly string[] | undefined
}

export interface UserLine {
  readonly text: string
  readonly place: Pick<Mistake, 'file' | 'line' | 'key'>
}

/** Lines of a file, with their numbers. */
export function linesOf(file: string, text: string): readonly UserLine[] {
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((line, index) => ({ text: line, place: { file, line: index + 1, key: '' } }))
}

/** `name:hash` or `name:$token$...` a line; comments and empty lines are skipped. Throws all mistakes at once. */
export function parseUsers(
  lines: readonly UserLine[],
  means: PasswordMeans,
  parsePattern: (pattern: string) => string = (pattern) => pattern,
): ReadonlyMap<string, UserEntry> {
  const entries = new Map<string, UserEntry>()
  const mistakes: Mistake[] = []
  for (const { text, place } of lines) {
    if (text.trim() === '' || text.startsWith('#')) continue
    const found = parseEntry(text.trimEnd(), means, parsePattern)
    const known = typeof found === 'object' && entries.has(found.name)
    if (typeof found === 'string') mistakes.push({ ...place, message: found })
    else if (known) mistakes.push({ ...place, message: `"${found.name}" is there twice` })
    else entries.set(found.name, found)
  }
  if (mistakes.length > 0) throw new ConfigError(mistakes)
  return entries
}

/** What a user of ours may be called: it stands in logs, in rules and before the colon of HTTP Basic. */
export function isUserName(name: string): boolean {
  return /^[\p{L}\p{N}_][\p{L}\p{N}._@+-]{0,127}$/u.test(name) && name !== anonymousName
}

/** In rules it means who has not logged in. */
const anonymousName = 'anonymous'

function parseEntry(
  text: string,
  means: PasswordMeans,
  parsePattern: (pattern: string) => string,
): UserEntry | string {
  const colon = text.indexOf(':')
  if (colon < 0) return 'is no entry: write name:hash, as "pullway user add" does'
  const name = text.slice(0, colon)
  if (!isUserName(name)) {
    return 'begins with a name that cannot be one: use letters, digits and . _ @ + -, not "anonymous", and a colon behind it'
  }
  const rest = text.slice(colon + 1)
  const secret = rest.startsWith('$token$')
    ? parseToken(rest, parsePattern)
    : parsePasswordHash(rest, means)
  if (typeof secret === 'string') return `the entry of "${name}" ${secret}`
  return { name, secret, text }
}

function parseToken(
  text: string,
  parsePattern: (pattern: string) => string,
): ServiceToken | string {
  const [, , digest = '', ...settings] = text.split('$')
  if (!/^[a-f0-9]{64}$/.test(digest)) return brokenToken
  let expiresAt: number | undefined
  let images: readonly string[] | undefined
  for (const setting of settings) {
    const [, key, value = ''] = /^(expires|images)=(.+)$/.exec(setting) ?? []
    if (key === undefined) return brokenToken
    if (key === 'expires') {
      expiresAt = endOfDay(value)
      if (expiresAt === undefined) return 'ends on no date: write expires=2027-02-01'
    } else {
      const patterns = parsePatterns(value.split(','), parsePattern)
      if (typeof patterns === 'string') return `is for images of which one ${patterns}`
      images = patterns
    }
  }
  return { scheme: 'token', digest, expiresAt, images }
}

const brokenToken =
  'is broken: a token is $token$, 64 hex digits, and $expires= and $images= where wanted; make it anew with "pullway user token"'

function parsePatterns(
  patterns: readonly string[],
  parsePattern: (pattern: string) => string,
): readonly string[] | string {
  try {
    return patterns.map(parsePattern)
  } catch (error) {
    if (error instanceof InvalidValue) return error.message
    throw error
  }
}

/** A token is good until the end of that day, UTC. */
function endOfDay(date: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d$/.test(date)) return undefined
  const start = Date.parse(`${date}T00:00:00Z`)
  if (Number.isNaN(start) || !new Date(start).toISOString().startsWith(date)) return undefined
  return start + 24 * 3600 * 1000
}
