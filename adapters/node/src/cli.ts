#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8'

// A download makes much garbage that lives for a moment. V8 answers by letting it pile up; a young generation
// that stays small halves the memory of a busy mirror, and costs nothing that can be measured.
setFlagsFromString('--semi-space-growth-factor=1')
// The bytes on their way count as heap. While it may grow by less than it holds, a quick download alone fills
// what is left, and V8 marks all of the heap again every 50 ms: half as much again for each byte.
setFlagsFromString('--heap-growing-percent=100')

const { runProgram } = await import('./program.ts')

const code = await runProgram(process.argv.slice(2), {
  environment: process.env,
  folder: process.cwd(),
  stdout: (text) => process.stdout.write(text),
  stderr: (text) => process.stderr.write(text),
  stdin: process.stdin,
})
if (code !== undefined) process.exit(code)
