import type {
  AccessConfig,
  AccessRule,
  ImagesConfig,
  UpstreamConfig,
  UsersConfig,
} from './config.ts'
import { InvalidValue } from './mistakes.ts'
import type { KeyPath, Report } from './mistakes.ts'
import { parseImagePattern, toPatternNames } from './patterns.ts'
import type { GivenAccess, GivenImages, GivenRule, GivenUsers } from './schema-access.ts'
import type { GivenConfig } from './schema.ts'
import { itemsOf } from './values.ts'
import type { List } from './values.ts'

export function toAccess(
  { access = {}, upstreams: named = {} }: GivenConfig,
  upstreams: ReadonlyMap<string, UpstreamConfig>,
  report: Report,
): AccessConfig {
  const names = toPatternNames(upstreams, Object.keys(named))
  const parse = (text: string): string => parseImagePattern(text, names)
  const users = access.users && toUsers(access.users, report)
  if (!report.isWrong(['access', 'users'])) {
    const hasRelay = [...upstreams.values()].some((one) => one.clientCredentials === 'relay')
    checkNamedUsers(access, users, hasRelay, report)
  }
  return {
    networks: {
      allow: itemsOf(access.networks?.allow),
      deny: itemsOf(access.networks?.deny),
    },
    userAgents: { deny: itemsOf(access.userAgents?.deny) },
    images: toImages(access.images, ['access', 'images'], parse, report),
    users,
    rules: (access.rules ?? []).flatMap((rule, index) =>
      rule === undefined ? [] : toRule(rule, ['access', 'rules', index], parse, report),
    ),
    admins: itemsOf(access.admins),
  }
}

/** `allow` and `deny` of the whole mirror and of an upstream. */
export function toImages(
  given: GivenImages | undefined,
  path: KeyPath,
  parse: (pattern: string) => string,
  report: Report,
): ImagesConfig {
  if (given?.allow?.length === 0) {
    report.add([...path, 'allow'], 'is empty, which would deny all: remove it, or name images')
  }
  if (given?.message !== undefined && given.allow === undefined && given.deny === undefined) {
    report.add([...path, 'message'], 'has nothing to be said about: add allow or deny')
  }
  return {
    allow: given?.allow && toPatterns(given.allow, [...path, 'allow'], parse, report),
    deny: toPatterns(given?.deny, [...path, 'deny'], parse, report),
    message: given?.message,
  }
}

function toPatterns(
  given: List<string> | undefined,
  path: KeyPath,
  parse: (pattern: string) => string,
  report: Report,
): readonly string[] {
  return (given ?? []).flatMap((text, index) => {
    if (text === undefined) return []
    try {
      return [parse(text)]
    } catch (error) {
      if (!(error instanceof InvalidValue)) throw error
      report.add([...path, index], error.message)
      return []
    }
  })
}

function toUsers(given: GivenUsers, report: Report): UsersConfig {
  const path = ['access', 'users']
  const { htpasswd, entries, anonymous = false, tokenKey } = given
  const isEmpty = htpasswd === undefined && (entries ?? []).length === 0
  if (isEmpty && !report.isWrong([...path, 'htpasswd'])) {
    report.add(
      path,
      'names nobody: give htpasswd, a file, or entries, its lines; or remove it, and nobody needs to log in',
    )
  }
  return { htpasswd, entries: itemsOf(entries), anonymous, tokenKey }
}

function toRule(
  { users, images, deny, message }: GivenRule,
  path: KeyPath,
  parse: (pattern: string) => string,
  report: Report,
): AccessRule {
  if (users === undefined || users.length === 0) {
    report.add([...path, 'users'], 'is missing: name users, "*" for everybody, or anonymous')
  }
  if (images !== undefined && deny !== undefined) {
    report.add(path, 'has both images and deny: a rule allows or denies, make it two')
  } else if ((images ?? deny ?? []).length === 0 && !isWrongBelow(path, report)) {
    report.add(path, 'names no image: give images to allow, or deny to deny; "**" is all')
  }
  const effect = deny === undefined ? 'allow' : 'deny'
  if (message !== undefined && effect === 'allow') {
    report.add([...path, 'message'], 'is never said by a rule that allows: remove it')
  }
  const [key, patterns] = deny === undefined ? ['images', images] : ['deny', deny]
  return {
    users: itemsOf(users),
    images: toPatterns(patterns, [...path, key], parse, report),
    effect,
    message,
  }
}

function isWrongBelow(path: KeyPath, report: Report): boolean {
  return ['images', 'deny'].some((key) => report.isWrong([...path, key]))
}

/** Who logs in somewhere must be able to; what is for nobody is a mistake that looks like protection. */
function checkNamedUsers(
  { rules = [], admins = [] }: GivenAccess,
  users: UsersConfig | undefined,
  hasRelay: boolean,
  report: Report,
): void {
  const check = (path: KeyPath, user: string | undefined): void => {
    if (user === undefined || user === '*') return
    if (user !== 'anonymous' && users === undefined) {
      report.add(path, 'names a user, but nobody can log in: add access.users')
    }
    if (user === 'anonymous' && users?.anonymous === false && !hasRelay) {
      report.add(path, 'has no effect, as everybody must log in: set access.users.anonymous: true')
    }
  }
  for (const [index, rule] of rules.entries()) {
    for (const [place, user] of (rule?.users ?? []).entries())
      check(['access', 'rules', index, 'users', place], user)
  }
  for (const [index, admin] of admins.entries()) {
    const path = ['access', 'admins', index]
    if (admin === '*' || admin === 'anonymous') {
      report.add(path, 'must be the name of a user: an administrator logs in')
    }
    check(path, admin)
  }
}
