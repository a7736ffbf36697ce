import { chmod, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { PassThrough, Readable } from 'node:stream'
import { verifyBcrypt } from '@pullway/node'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readUsersFile } from '../../adapters/node/src/users-file.ts'
import { hashes, usersFile } from '../fakes/login-world.ts'
import {
  type CliResult,
  type Folder,
  makeFolder,
  runInside,
  startCli,
  urlOf,
} from './node-process.ts'

let folder: Folder

beforeEach(async () => {
  folder = await makeFolder()
})

afterEach(() => folder[Symbol.asyncDispose]())

function user(args: readonly string[], typed: string | PassThrough = ''): Promise<CliResult> {
  const stdin = typeof typed === 'string' ? Readable.from([typed]) : typed
  return runInside(['user', ...args, '--file', 'users'], { cwd: folder.path, stdin })
}

function read(): Promise<string> {
  return readFile(`${folder.path}/users`, 'utf8')
}

/** A terminal in which somebody types. */
function terminal(...typed: readonly string[]): PassThrough & { readonly modes: boolean[] } {
  const modes: boolean[] = []
  const keyboard = new PassThrough()
  const lines = [...typed]
  const setRawMode = (isRaw: boolean): void => {
    modes.push(isRaw)
    const line = lines.shift()
    if (isRaw && line !== undefined) setImmediate(() => keyboard.write(line))
    else if (line !== undefined) lines.unshift(line)
  }
  return Object.assign(keyboard, { isTTY: true, setRawMode, modes })
}

describe('pullway user', () => {
  test('adds people whose passwords are bcrypt, or PBKDF2, in a file of their own', async () => {
    expect(await user(['add', 'alice'], 'alice-password\n')).toEqual({
      code: undefined,
      stdout: 'alice was added\n',
      stderr: '',
    })
    await user(['add', 'bob', '--pbkdf2'], 'bob-password')
    const [alice = '', bob = ''] = (await read()).split('\n')
    expect(alice).toMatch(/^alice:\$2b\$10\$/)
    expect(await verifyBcrypt('alice-password', alice.slice('alice:'.length))).toBe(true)
    expect(bob).toMatch(/^bob:\$pbkdf2-sha512\$i=100000\$[\w+/]{22}\$[\w+/]{43}$/)
    expect((await stat(`${folder.path}/users`)).mode & 0o777).toBe(0o600)
    const { stdout } = await user(['ls'])
    expect(stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['NAME', 'KIND', 'EXPIRES', 'IMAGES'],
      ['alice', 'password (bcrypt)', '-', '-'],
      ['bob', 'password (pbkdf2)', '-', '-'],
      [''],
    ])
  })

  test('gives a new password, and leaves all else as it stands', async () => {
    await folder.write('users', '# people\n\nalice:$2y$old\nsomebody:{SHA}x\n')
    await chmod(`${folder.path}/users`, 0o644)
    const { stdout } = await user(['add', 'alice'], 'new\r\nnot read')
    expect(stdout).toBe('alice has a new password\n')
    const text = await read()
    expect(text).toMatch(/^# people\n\nalice:\$2b\$10\$[^\n]{53}\nsomebody:\{SHA\}x\n$/)
    expect((await stat(`${folder.path}/users`)).mode & 0o777).toBe(0o640)
    const { stdout: removed } = await user(['rm', 'alice'])
    expect(removed).toBe('alice was removed\n')
    expect(await read()).toBe('# people\n\nsomebody:{SHA}x\n')
  })

  test('asks twice at a terminal, which shows nothing', async () => {
    const keyboard = terminal('alixe\b\u007fce\n', 'alice\r')
    const { stdout, stderr } = await user(['add', 'alice'], keyboard)
    expect(stdout).toBe('alice was added\n')
    expect(stderr).toBe('Password for alice: \nThe same again: \n')
    expect(keyboard.modes).toEqual([true, false, true, false])
    expect(await verifyBcrypt('alice', (await read()).trim().slice('alice:'.length))).toBe(true)
  })

  test('takes both lines at once from who pastes them', async () => {
    expect((await user(['add', 'alice'], terminal('pasted\npasted\n'))).stdout).toBe(
      'alice was added\n',
    )
  })

  test('follows a link to the file', async () => {
    await folder.write('real', '')
    await symlink('real', `${folder.path}/users`)
    await user(['add', 'alice'], 'x')
    expect(await readFile(`${folder.path}/real`, 'utf8')).toContain('alice:')
  })

  test('makes tokens, shown once', async () => {
    const { stdout, stderr } = await user([
      'token',
      'ci',
      '--expires',
      '2099-01-31',
      '--images',
      'library/*, ghcr.io/**',
    ])
    expect(stdout).toMatch(/^pwt_[a-f0-9]{64}\n$/)
    expect(stderr).toContain('docker login -u ci')
    expect(await read()).toMatch(
      /^ci:\$token\$[a-f0-9]{64}\$expires=2099-01-31\$images=library\/\*,ghcr\.io\/\*\*\n$/,
    )
    expect(await read()).not.toContain(stdout.slice(4, 20))
    expect((await user(['ls'])).stdout).toContain('ci    token  2099-01-31  library/* ghcr.io/**')
    const again = await user(['token', 'ci', '--expires', 'never'])
    expect(again.stdout).not.toBe(stdout)
    expect(await read()).toMatch(/^ci:\$token\$[a-f0-9]{64}\n$/)
    await user(['token', 'other'])
    const day = new Date(Date.now() + 90 * 86_400_000).toISOString().slice(0, 10)
    expect(await read()).toContain(`$expires=${day}\n`)
  })

  test.each<[string, readonly string[], string | PassThrough, RegExp]>([
    ['no name', ['add'], 'x', /^error: missing required argument 'name'/],
    ['a password as an argument', ['add', 'dora', 'password'], 'x', /^error: too many arguments/],
    ['an empty password', ['add', 'dora'], '\n', /^pullway: the password is empty/],
    ['no password at all', ['add', 'dora'], '', /^pullway: the password is empty/],
    ['a long password', ['add', 'dora'], 'x'.repeat(73), /^pullway: bcrypt takes 72 bytes/],
    ['a giant password', ['add', 'dora'], 'x'.repeat(9_999), /^pullway: the password is longer/],
    [
      'control characters',
      ['add', 'dora'],
      'a\tb',
      /^pullway: the password has control characters/,
    ],
    ['two different ones', ['add', 'dora'], terminal('a\n', 'b\n'), /\npullway: the two passwords/],
    ['Ctrl-C', ['add', 'dora'], terminal('a\u0003'), /\npullway: interrupted: nothing was changed/],
    ['a name with a colon', ['add', 'a:b'], 'x', /^pullway: a name has letters/],
    ['a name with a line', ['add', 'a\nb'], 'x', /^pullway: a name has letters/],
    ['a reserved name', ['add', 'anonymous'], 'x', /^pullway: a name has letters/],
    ['nobody to remove', ['rm', 'bert'], '', /^pullway: users has no "bert"$/],
    ['a token of a person', ['token', 'alice'], '', /^pullway: alice is a user with a password/],
    ['a wrong end', ['token', 'ci', '--expires', 'soon'], '', /^pullway: --expires is 1d to 3650d/],
    ['no such day', ['token', 'ci', '--expires', '2099-02-30'], '', /^pullway: --expires is 1d/],
    [
      'an end that is over',
      ['token', 'ci', '--expires', '2020-01-01'],
      '',
      /^pullway: --expires is over/,
    ],
    ['too many days', ['token', 'ci', '--expires', '9999d'], '', /^pullway: --expires is 1d/],
    [
      'images that are none',
      ['token', 'ci', '--images', 'a$b'],
      '',
      /^pullway: --images has "a\$b"/,
    ],
    ['no images', ['token', 'ci', '--images', ''], '', /^pullway: --images has ""/],
  ])('refuses %s, and changes nothing', async (_, args, typed, message) => {
    await folder.write('users', 'alice:$2y$x\n')
    const { code, stdout, stderr } = await user(args, typed)
    expect(code).toBe(1)
    expect(stdout).toBe('')
    expect(stderr.trimEnd()).toMatch(message)
    expect(await read()).toBe('alice:$2y$x\n')
  })

  test('waits for no other edit, and says why', async () => {
    await folder.write('users.new', '')
    const { code, stderr } = await user(['add', 'alice'], 'x')
    expect(code).toBe(1)
    expect(stderr).toMatch(/users\.new: it is there already: another "pullway user" is at work/)
  })

  test('edits at the same time lose nothing', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f']
    const results = await Promise.all(names.map((name) => user(['token', name])))
    const made = names.filter((_, index) => results[index]!.code === undefined)
    expect(made.length).toBeGreaterThan(0)
    const lines = (await read()).trim().split('\n')
    expect(lines.map((line) => line.split(':')[0])).toEqual(expect.arrayContaining(made))
    expect(lines).toHaveLength(made.length)
  })

  test('ls names the lines that are wrong', async () => {
    await folder.write('users', `${usersFile}mallory:{SHA}x\n`)
    const { code, stderr } = await user(['ls'])
    expect(code).toBe(1)
    expect(stderr).toMatch(/^users:7: the entry of "mallory" is SHA-1/)
    expect(
      (await runInside(['user', 'ls', '--file', 'none'], { cwd: folder.path })).stderr,
    ).toMatch(/^pullway: cannot read the users in .*none: there is no such file\n$/)
  })
})

describe('the file while a server runs', () => {
  test('names itself when it cannot be read', async () => {
    await expect(readUsersFile(folder.path)).rejects.toThrow(
      /cannot read the users in .*: it is a folder/,
    )
  })

  test('SIGHUP reads it at once, and a bad one is refused by file and line', async () => {
    await folder.write('users', usersFile)
    await folder.write('pullway.yaml', {
      listen: '127.0.0.1:0',
      cache: { blobs: { driver: 'none' } },
      access: { users: { htpasswd: 'users' } },
    })
    await using running = startCli(['serve'], { cwd: folder.path })
    const url = await urlOf(running)
    const ask = async (login: string): Promise<number> => {
      const headers = { authorization: `Basic ${btoa(login)}` }
      return (await fetch(`${url}/v2/`, { headers })).status
    }
    expect(await ask('alice:alice-password')).toBe(200)
    await writeFile(`${folder.path}/users`, `dora:${hashes.aliceHash}\nmallory:plain\n`)
    running.kill('SIGHUP')
    await running.until('The new users are refused, and the old ones stay file=users line=2')
    expect(await ask('alice:alice-password')).toBe(200)
    await writeFile(`${folder.path}/users`, `dora:${hashes.aliceHash}\n`)
    running.kill('SIGHUP')
    await running.until('The users were read anew file=users users=1')
    expect(await ask('dora:alice-password')).toBe(200)
    expect(await ask('alice:alice-password')).toBe(401)
  })
})

describe('a server does not start, and check says so,', () => {
  test.each([
    [
      'with a wrong line',
      'a:$2y$x\nb:{SHA}x\n',
      'bad',
      /^bad:1: the entry of "a" is broken.*\nbad:2: the entry of "b" is SHA-1/,
    ],
    [
      'without the file',
      undefined,
      'missing',
      /^pullway: cannot read the users in .*missing: there is no such file/,
    ],
  ])('%s', async (_, text, htpasswd, message) => {
    if (text !== undefined) await folder.write('bad', text)
    await folder.write('pullway.yaml', {
      listen: '127.0.0.1:0',
      cache: { blobs: { driver: 'none' } },
      access: { users: { htpasswd } },
    })
    const checked = await runInside(['check'], { cwd: folder.path })
    expect(checked.code).toBe(1)
    expect(checked.stderr).toMatch(message)
    await using running = startCli(['serve'], { cwd: folder.path })
    expect((await running.exited).code).toBe(1)
    expect(running.output().stderr).toMatch(message)
  })
})
