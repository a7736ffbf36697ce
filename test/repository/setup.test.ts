import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { runProgram } from './run-program.ts'
import type { ProgramResult } from './run-program.ts'
import { root } from './sources.ts'

/** A repository in which everything is installed, and npm and turbo only say that they were asked. */
let tree: string

beforeEach(() => {
  tree = mkdtempSync(join(tmpdir(), 'pullway-setup-'))
  for (const folder of ['.ci', 'node_modules/.bin', 'bin']) {
    mkdirSync(join(tree, folder), { recursive: true })
  }
  cpSync(join(root, '.ci/setup.mjs'), join(tree, '.ci/setup.mjs'))
  symlinkSync(process.execPath, join(tree, 'node_modules/.bin/node'))
  writeCommand('node_modules/.bin/pullway', 'echo pullway')
  writeCommand('node_modules/.bin/turbo', 'echo "turbo $*" >>asked')
  writeCommand('bin/npm', 'echo "npm $*" >>asked')
  writeLockfile('package-lock.json', '1.0.0')
  writeLockfile('node_modules/.package-lock.json', '1.0.0')
})

afterEach(() => {
  rmSync(tree, { recursive: true })
})

const build = 'turbo run build --output-logs=errors-only'
const install = 'npm ci --include=dev --loglevel=error --no-audit --no-fund'
const link = 'npm rebuild --ignore-scripts --loglevel=error @pullway/node'

test.each([
  { what: 'nothing is missing', change: () => undefined, asked: [build] },
  {
    what: 'a dependency has another version',
    change: () => {
      writeLockfile('package-lock.json', '1.0.1')
    },
    asked: [install, build],
  },
  {
    what: 'an installation was interrupted',
    change: () => {
      rmSync(join(tree, 'node_modules/.package-lock.json'))
    },
    asked: [install, build],
  },
  {
    what: 'Node was not installed',
    change: () => {
      rmSync(join(tree, 'node_modules/.bin/node'))
    },
    asked: [install, build],
  },
  {
    what: 'the command is not linked yet',
    change: () => {
      rmSync(join(tree, 'node_modules/.bin/pullway'))
    },
    asked: [build, link],
  },
])('$what: it runs $asked', async ({ change, asked }) => {
  change()
  const result = await setUp(['cat', 'asked'])
  expect(result.output.split('\n').filter((line) => /^(?:npm|turbo)/.test(line))).toEqual(asked)
  expect(result.code).toBe(0)
})

test('a failing build is shown, and the command does not run', async () => {
  writeCommand('node_modules/.bin/turbo', 'echo "a type error"; exit 3')
  const result = await setUp(['echo', 'served'])
  expect(result.output).toContain('a type error')
  expect(result.output).not.toContain('served')
  expect(result.code).toBe(3)
})

test('a quiet build says nothing', async () => {
  writeCommand('node_modules/.bin/turbo', 'echo "a lot of talk"')
  expect((await setUp(['echo', 'served'])).output).toBe('served\n')
})

test('arguments and exit code pass through unchanged, on the Node that was installed', async () => {
  const program =
    'console.log(JSON.stringify(process.argv.slice(1)), process.execPath); process.exit(7)'
  const result = await setUp(['node', '--eval', program, '--', 'a b', '--', '$x'])
  expect(result.output).toBe(`["a b","--","$x"] ${process.execPath}\n`)
  expect(result.code).toBe(7)
})

test('a command that does not exist fails with its name', async () => {
  const result = await setUp(['no-such-command'])
  expect(result.output).toContain('no-such-command')
  expect(result.code).not.toBe(0)
})

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  '%s reaches the command once, which ends in its own time',
  async (signal) => {
    const program = `
      process.on('${signal}', () => {
        console.log('got ${signal}')
        setImmediate(() => process.exit(5))
      })
      setInterval(() => undefined, 1000)
      console.log('listening')`
    const result = await setUp(['node', '--eval', program], signal)
    expect(result.output).toBe(`listening\ngot ${signal}\n`)
    expect(result.code).toBe(5)
  },
)

test('a command that a signal ends gives the code that shells give', async () => {
  const result = await setUp(['sh', '-c', 'echo ready; exec sleep 10'], 'SIGTERM')
  expect(result.code).toBe(128 + 15)
})

function setUp(command: readonly string[], signal?: NodeJS.Signals): Promise<ProgramResult> {
  return runProgram(process.execPath, [join(tree, '.ci/setup.mjs'), '--', ...command], {
    environment: { PATH: `${join(tree, 'bin')}:/usr/bin:/bin` },
    ...(signal === undefined ? {} : { signal }),
  })
}

function writeCommand(path: string, script: string): void {
  writeFileSync(join(tree, path), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
}

function writeLockfile(path: string, version: string): void {
  const packages = {
    '': {},
    'node_modules/a': { version },
    'node_modules/@pullway/core': { link: true },
  }
  writeFileSync(join(tree, path), JSON.stringify({ packages }))
}
