import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { completeSettings, root } from './settings.ts'
import { runProgram, type ProgramResult } from '../repository/run-program.ts'
import { findImports } from '../repository/sources.ts'

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

test('the Worker is at most 150 kB, packed, and what it loads later at most 350 kB', () => {
  const modules = readdirSync(join(folder, 'out')).filter((name) => /\.(?:m?js|yaml)$/.test(name))
  const [later, start] = [true, false].map((isLater) =>
    modules.filter((name) => (name === 'admin.mjs') === isLater),
  )
  expect(later).toHaveLength(1)
  expect(start).toContain('worker.js')
  for (const [names, ceiling] of [
    [start, 150_000],
    [later, 350_000],
  ] as const) {
    const bytes = names!.reduce((sum, name) => sum + gzipSync(read(name)).length, 0)
    expect(bytes).toBeLessThanOrEqual(ceiling)
    expect(bytes).toBeGreaterThan(ceiling / 50)
  }
})

test('the admin API is a module by itself, which nothing imports at the start', () => {
  const named = (name: string): readonly (readonly [string, boolean])[] =>
    findImports({ path: name, text: read(name).toString() }).map((found) => [
      found.name,
      found.isDynamic,
    ])
  expect(named('worker.js')).toContainEqual(['./admin.mjs', true])
  expect(named('worker.js')).not.toContainEqual(['./admin.mjs', false])
  expect(named('admin.mjs')).toEqual([])
})

function read(name: string): Buffer {
  return readFileSync(join(folder, 'out', name))
}
