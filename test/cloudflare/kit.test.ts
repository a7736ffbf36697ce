import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { completeSettings, root } from './settings.ts'
import { runProgram, type ProgramResult } from '../repository/run-program.ts'

const folder = mkdtempSync(join(tmpdir(), 'pullway-worker-'))
let result: ProgramResult

/** What an operator runs, but for the upload, with every line of the settings that they may want. */
beforeAll(async () => {
  writeFileSync(join(folder, 'wrangler.jsonc'), completeSettings())
  result = await runProgram(
    join(root, 'node_modules/.bin/wrangler'),
    ['deploy', '--dry-run', '--outdir', 'out', '--cwd', folder],
    { environment: { WRANGLER_SEND_METRICS: 'false', CI: 'true', WRANGLER_LOG_PATH: folder } },
  )
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('wrangler takes the settings, with all bindings', () => {
  expect(result.output).toMatch(/--dry-run: exiting now/)
  for (const binding of ['env.BLOBS', 'env.STATE', 'env.LIMIT', 'env.CLAIMS']) {
    expect(result.output).toContain(binding)
  }
  expect(result.output).not.toMatch(/\[WARNING\]|\bunexpected fields\b/i)
})

test('the Worker is at most 150 kB, packed', () => {
  const out = join(folder, 'out')
  const modules = readdirSync(out).filter((name) => /\.(?:js|yaml)$/.test(name))
  const bytes = modules.reduce(
    (sum, name) => sum + gzipSync(readFileSync(join(out, name))).length,
    0,
  )
  expect(modules).toContain('worker.js')
  expect(bytes).toBeLessThanOrEqual(150_000)
  expect(bytes).toBeGreaterThan(50_000)
})
