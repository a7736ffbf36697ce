#!/usr/bin/env node
import { runProgram } from './program.ts'

const code = await runProgram(process.argv.slice(2), {
  environment: process.env,
  folder: process.cwd(),
  stdout: (text) => process.stdout.write(text),
  stderr: (text) => process.stderr.write(text),
})
if (code !== undefined) process.exit(code)
