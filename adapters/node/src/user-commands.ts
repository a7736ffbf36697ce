import { createHash, randomBytes } from 'node:crypto'
import { hashWithPbkdf2, isUserName, type UserEntry } from '@pullway/core'
import { hash } from 'bcryptjs'
import type { Command } from 'commander'
import { askPassword } from './ask-password.ts'
import { editUsers, isLineOf, withLine } from './edit-users.ts'
import { readUserEntries } from './read-users.ts'
import type { Surroundings } from './surroundings.ts'
import { formatTable } from './table.ts'
import { expiryDate, imagePatterns } from './token-settings.ts'
import { UserError } from './user-error.ts'

interface FileFlag {
  readonly file: string
}

/** A tenth of a second of the one processor that serves; a login is one comparison. */
const bcryptCost = 10
/** bcrypt reads no more of a password. */
const maxBcryptBytes = 72

const fileFlag = ['-f, --file <file>', 'the users, as access.users.htpasswd names them'] as const

export function addUserCommands(user: Command, surroundings: Surroundings): void {
  user.description('who may log in: people with passwords, services with tokens')
  user
    .command('add')
    .argument('<name>')
    .description('add a user, or give one a new password, asked for or from stdin')
    .requiredOption(...fileFlag)
    .option('--pbkdf2', 'for Workers and edge functions, which cannot compute bcrypt')
    .action((name: string, flags: FileFlag & { readonly pbkdf2?: boolean }) =>
      add(checkedName(name), flags, surroundings),
    )
  user
    .command('rm')
    .argument('<name>')
    .description('remove a user or a token: what was given out for it ends at once')
    .requiredOption(...fileFlag)
    .action((name: string, flags: FileFlag) => remove(name, flags, surroundings))
  user
    .command('ls')
    .description('list users and tokens')
    .requiredOption(...fileFlag)
    .action((flags: FileFlag) => list(flags, surroundings))
  user
    .command('token')
    .argument('<name>')
    .description('make a token for a service, or a new one in its place; it is shown once')
    .requiredOption(...fileFlag)
    .option('--expires <when>', 'after so many days (90d), on a date (2027-02-01), or never', '90d')
    .option('--images <patterns>', 'the only images it may pull: docker.io/library/*,ghcr.io/**')
    .action((name: string, flags: TokenFlags) => makeToken(checkedName(name), flags, surroundings))
}

async function add(
  name: string,
  { file, pbkdf2 = false }: FileFlag & { readonly pbkdf2?: boolean },
  surroundings: Surroundings,
): Promise<void> {
  const password = await askPassword(name, surroundings)
  if (!pbkdf2 && Buffer.byteLength(password) > maxBcryptBytes)
    throw new UserError(`bcrypt takes ${maxBcryptBytes} bytes of a password: use --pbkdf2`)
  const hashed = pbkdf2 ? await hashWithPbkdf2(password) : await hash(password, bcryptCost)
  const former = await editUsers(surroundings.folder, file, (lines) =>
    withLine(lines, name, `${name}:${hashed}`),
  )
  const isNew = !former.some((line) => isLineOf(line, name))
  surroundings.stdout(isNew ? `${name} was added\n` : `${name} has a new password\n`)
}

async function remove(
  name: string,
  { file }: FileFlag,
  { folder, stdout }: Surroundings,
): Promise<void> {
  await editUsers(folder, file, (lines) => {
    const others = lines.filter((line) => !isLineOf(line, name))
    if (others.length < lines.length) return others
    throw new UserError(`${file} has no ${JSON.stringify(name)}`)
  })
  stdout(`${name} was removed\n`)
}

async function list({ file }: FileFlag, { folder, stdout }: Surroundings): Promise<void> {
  const entries = await readUserEntries(folder, file)
  stdout(formatTable([['NAME', 'KIND', 'EXPIRES', 'IMAGES'], ...entries.map(toRow)]))
}

function toRow({ name, secret }: UserEntry): string[] {
  if (secret.scheme !== 'token') return [name, `password (${secret.scheme})`, '-', '-']
  const { expiresAt, images } = secret
  // It ends with that day.
  const expires = expiresAt === undefined ? 'never' : dayOf(expiresAt - 1)
  return [name, 'token', expires, images?.join(' ') ?? 'all that it may']
}

function dayOf(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 10)
}

interface TokenFlags extends FileFlag {
  readonly expires: string
  readonly images?: string
}

async function makeToken(
  name: string,
  { file, expires, images }: TokenFlags,
  { folder, stdout, stderr }: Surroundings,
): Promise<void> {
  const secret = `pwt_${randomBytes(32).toString('hex')}`
  const digest = createHash('sha256').update(secret).digest('hex')
  const settings = [...expiryDate(expires, Date.now()), ...imagePatterns(images)]
  await editUsers(folder, file, (lines) => {
    if (lines.some((line) => isLineOf(line, name) && !line.startsWith(`${name}:$token$`)))
      throw new UserError(`${name} is a user with a password: give the token another name`)
    return withLine(lines, name, [`${name}:$token$${digest}`, ...settings].join('$'))
  })
  stdout(`${secret}\n`)
  stderr(
    `This is shown once. It is ${name}'s password ("docker login -u ${name}"), and for a client that cannot log in ` +
      'to a mirror an address: https://MIRROR/t/TOKEN\n',
  )
}

function checkedName(name: string): string {
  if (isUserName(name)) return name
  throw new UserError(
    'a name has letters, digits and . _ @ + -, begins with a letter or digit, and is not "anonymous"',
  )
}
