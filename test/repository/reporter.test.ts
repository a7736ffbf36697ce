import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runProgram } from './run-program.ts'

const vitest = join(import.meta.dirname, '../../node_modules/vitest/vitest.mjs')
const config = join(import.meta.dirname, 'samples/vitest.config.ts')

test.each([
  { sample: 'good', isCi: true, last: '2 passed, 0 failed', code: 0 },
  { sample: 'mixed', isCi: false, last: '1 passed, 1 failed', code: 1 },
  { sample: 'mixed', isCi: true, last: '1 passed, 3 failed', code: 1 },
  { sample: 'broken', isCi: false, last: '0 passed, 1 failed', code: 1 },
  { sample: 'hook', isCi: true, last: '1 passed, 2 failed', code: 1 },
  { sample: 'unhandled', isCi: false, last: '1 passed, 1 failed', code: 1 },
  { sample: 'absent', isCi: false, last: '0 passed, 1 failed', code: 1 },
])('the $sample sample ends with "$last" (CI: $isCi)', async ({ sample, isCi, last, code }) => {
  const result = await runProgram(
    process.execPath,
    [vitest, 'run', '--config', config, `${sample}.sample.ts`],
    { environment: { CI: isCi ? 'true' : undefined } },
  )
  expect(result.lastLine, result.output).toBe(last)
  expect(result.code).toBe(code)
})
