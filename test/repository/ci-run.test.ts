import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { runProgram } from './run-program.ts'
import type { ProgramResult } from './run-program.ts'
import { root } from './sources.ts'

/** A repository in which all packages are installed and each npm command does what its row says. */
let tree: string

beforeEach(() => {
  tree = mkdtempSync(join(tmpdir(), 'pullway-ci-'))
  for (const folder of ['.ci', 'bin']) mkdirSync(join(tree, folder))
  cpSync(join(root, '.ci/run'), join(tree, '.ci/run'))
  writeFileSync(join(tree, '.ci/packages'), '# clients\nskopeo # copies\n\npodman\n')
  writeCommand('dpkg-query', 'echo installed')
})

afterEach(() => {
  rmSync(tree, { recursive: true })
})

const passing: Readonly<Record<string, string>> = {
  test: 'echo "3 passed, 0 failed"',
  'run format:check': 'true',
  'run lint': 'true',
  'run types': 'true',
  'run unused': 'true',
  'run packaging': 'true',
  'run test:clients': 'echo "2 passed, 0 failed"',
  'run test:services': 'echo "1 passed, 0 failed"',
  'run test:acceptance': 'echo "2 passed, 0 failed"',
  'run test:platforms': 'echo "1 passed, 0 failed"',
  'run test:faults': 'echo "2 passed, 0 failed"',
}

test.each([
  { what: 'all is well', answers: {}, last: '16 passed, 0 failed', code: 0 },
  {
    what: 'a check fails, and the rest runs',
    answers: { 'run lint': 'exit 1' },
    last: '15 passed, 1 failed',
    code: 1,
  },
  {
    what: 'tests fail, and npm has its say about it',
    answers: { test: 'echo "1 passed, 2 failed"; echo "npm error" >&2; exit 1' },
    last: '14 passed, 2 failed',
    code: 1,
  },
  {
    what: 'a failure that the suite did not count',
    answers: { test: 'echo "3 passed, 0 failed"; exit 1' },
    last: '16 passed, 1 failed',
    code: 1,
  },
  {
    what: 'a suite that succeeds with failures',
    answers: { test: 'echo "3 passed, 1 failed"' },
    last: '16 passed, 1 failed',
    code: 1,
  },
  {
    what: 'a suite that ran nothing',
    answers: { 'run test:clients': 'echo "0 passed, 0 failed"' },
    last: '14 passed, 1 failed',
    code: 1,
  },
  {
    what: 'a suite that died after a count',
    answers: { test: 'echo "3 passed, 0 failed"; echo "Segmentation fault"; exit 139' },
    last: '13 passed, 1 failed',
    code: 1,
  },
  {
    what: 'a suite that asks a question gets no answer',
    answers: { test: 'read -r answer || exit 4' },
    last: '13 passed, 1 failed',
    code: 1,
  },
  {
    what: 'a suite that wants to know whether this is CI',
    answers: { test: 'echo "3 passed, 0 failed"; [ "$CI" = true ]' },
    last: '16 passed, 0 failed',
    code: 0,
  },
])('$what: $last', async ({ answers, last, code }) => {
  const result = await run({ ...passing, ...answers })
  expect(result.lastLine, result.output).toBe(last)
  expect(result.code).toBe(code)
})

test('names what failed', async () => {
  const { output } = await run({ ...passing, 'run types': 'echo "a type error"; exit 2' })
  expect(output).toContain('a type error')
  expect(output).toContain('FAILED: npm run types: exit 2')
})

test('a list of packages that is not there is a failure', async () => {
  rmSync(join(tree, '.ci/packages'))
  const result = await run(passing)
  expect(result.lastLine).toBe('0 passed, 1 failed')
  expect(result.code).toBe(1)
})

function run(answers: Readonly<Record<string, string>>): Promise<ProgramResult> {
  const cases = Object.entries(answers).map(([command, script]) => `"${command}") ${script} ;;`)
  writeCommand('npm', `case "$*" in\n${cases.join('\n')}\n*) exit 99 ;;\nesac`)
  return runProgram('bash', [join(tree, '.ci/run')], {
    environment: { CI: undefined, PATH: `${join(tree, 'bin')}:/usr/bin:/bin` },
  })
}

function writeCommand(name: string, script: string): void {
  writeFileSync(join(tree, 'bin', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
}
