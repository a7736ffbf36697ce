import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ESLint } from 'eslint'
import { describe, expect, test } from 'vitest'
import { root } from './sources.ts'

const eslint = new ESLint({
  cwd: root,
  // The borders need no types, so the samples need no place in a project.
  ruleFilter: ({ ruleId }) => ruleId.startsWith('no-restricted-'),
  overrideConfig: { languageOptions: { parserOptions: { projectService: false } } },
})

const core = 'core/src/mirror.ts'
const config = 'core/src/config/schema.ts'
const admin = 'core/src/admin/api.ts'
const node = 'adapters/node/src/cli.ts'
const edge = 'adapters/cloudflare/src/worker.ts'
const store = 'adapters/memory/src/blobs.ts'
const deploy = 'deploy/cloudflare/worker.ts'

describe('the lint rules stop', () => {
  test.each([
    [core, "import { readFile } from 'node:fs/promises'", /The core knows no runtime/],
    [core, "import 'fs'", /The core knows no runtime/],
    [core, "import type { Server } from 'node:http'", /The core knows no runtime/],
    [core, "import { request } from 'undici'", /The core knows no runtime/],
    [core, "import { z } from 'zod'", /The core knows no runtime/],
    [core, "import { createStore } from '@pullway/memory'", /The core knows no runtime/],
    [core, "export * from '../../adapters/node/src/index.ts'", /The core knows no runtime/],
    [core, "export const a = await import('node:fs')", /The core knows no runtime/],
    [config, "import { createRoute } from 'chanfana'", /The core knows no runtime/],
    [config, "import { readFileSync } from 'node:fs'", /The core knows no runtime/],
    [admin, "import { parse } from 'yaml'", /The core knows no runtime/],
    [core, 'export const a = Date.now()', /only through ports/],
    [core, 'export const a = new Date()', /only through ports/],
    [core, 'export const a = performance.now()', /only through ports/],
    [core, 'export const a = process.env', /only through ports/],
    [core, "export const a = Buffer.from('')", /only through ports/],
    [core, "console.log('')", /only through ports/],
    [core, "await fetch('https://example.com')", /only through ports/],
    [core, "await globalThis.fetch('https://example.com')", /only through ports/],
    [core, 'setTimeout(() => undefined, 1)', /only through ports/],
    [core, 'setInterval(() => undefined, 1)', /only through ports/],
    [core, 'export const a = AbortSignal.timeout(1)', /only through ports/],
    [config, 'export const a = process.env', /only through ports/],
    [node, "import { pull } from '@pullway/core/dist/mirror.js'", /translates, it decides nothing/],
    [node, "import { pull } from '../../../core/src/mirror.ts'", /translates, it decides nothing/],
    [node, "import { a } from '@pullway/cloudflare'", /translates, it decides nothing/],
    [node, "import { createAdmin } from '@pullway/core/admin'", /loaded by import\(\)/],
    [store, "import { createAdmin } from '@pullway/core/admin'", /works over any runtime/],
    [edge, "import { readFileSync } from 'node:fs'", /translates, it decides nothing/],
    [store, "import { FetchError } from '@pullway/core'", /works over any runtime/],
    [store, "import { a } from '@pullway/node'", /works over any runtime/],
    [store, "import { readFileSync } from 'node:fs'", /works over any runtime/],
    [deploy, "import { createPullway } from '@pullway/core'", /holds no logic/],
    [deploy, "import { a } from '../../adapters/cloudflare/src/a.ts'", /holds no logic/],
  ])('%s: %s', async (filePath, text, reason) => {
    const messages = await lint(filePath, text)
    expect(messages).toHaveLength(1)
    expect(messages[0]).toMatch(reason)
  })
})

describe('the lint rules let pass', () => {
  test.each([
    [core, "import { Hono } from 'hono'"],
    [core, "import { contains } from 'ipaddr.js'"],
    [core, "import { parsePull } from './request/parse.ts'"],
    [core, "export const a = await import('./admin/app.ts')"],
    [core, 'export const a = new Date(0).toUTCString()'],
    [core, 'export const a = (ports: { fetch: () => void }) => ports.fetch()'],
    [core, 'export const a = (fetch: () => void) => fetch()'],
    [config, "import { z } from 'zod/mini'"],
    [config, "import { parseDocument } from 'yaml'"],
    [admin, "import { fromHono } from 'chanfana'"],
    [node, "export const a = () => import('@pullway/core/admin')"],
    [node, "import { createServer } from 'node:http'"],
    [node, "import { createPullway } from '@pullway/core'"],
    [node, "import { parseConfig } from '@pullway/core/config'"],
    [node, "import { createMemoryStore } from '@pullway/memory'"],
    [node, 'export const a = process.env'],
    [store, "import type { BlobStore } from '@pullway/core'"],
    [store, "import { Redis } from 'ioredis'"],
    [deploy, "import worker from '@pullway/cloudflare'"],
  ])('%s: %s', async (filePath, text) => {
    expect(await lint(filePath, text)).toEqual([])
  })
})

test.each(readdirSync(join(root, 'adapters')))(
  'adapters/%s is known to the rules',
  async (name) => {
    const text = "import { pull } from '@pullway/core/dist/mirror.js'"
    expect(await lint(`adapters/${name}/src/index.ts`, text)).toHaveLength(1)
  },
)

test('a promise that nobody waits for is an error in source and in tests', async () => {
  const rules = await Promise.all(
    [core, node, 'test/repository/lint.test.ts'].map(async (path) => {
      const { rules } = (await new ESLint({ cwd: root }).calculateConfigForFile(path)) as {
        rules: Record<string, unknown>
      }
      return rules['@typescript-eslint/no-floating-promises']
    }),
  )
  expect(rules).toEqual([[2], [2], [2]])
})

async function lint(filePath: string, text: string): Promise<readonly string[]> {
  const [result] = await eslint.lintText(`${text}\n`, { filePath })
  return result!.messages.map(({ message }) => message)
}
