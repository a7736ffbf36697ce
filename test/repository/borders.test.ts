import { posix } from 'node:path'
import { describe, expect, test } from 'vitest'
import { findFreeNames, findImports, readSources } from './sources.ts'
import type { Import, SourceFile } from './sources.ts'

/** The table of borders once more, on its own: what the lint rules say is checked against it, not copied. */
interface Border {
  /** Which files; the first border that fits counts. */
  readonly files: RegExp
  readonly mayImport: readonly RegExp[]
  readonly mayImportTypes?: readonly RegExp[]
  /** By `import()` alone. */
  readonly mayLoad?: readonly RegExp[]
}

const packageOfOthers = /^(?!@pullway\/|node:)(?:@[a-z0-9-]+\/)?[a-z0-9.-]+(?:\/|$)/
const publicCore = /^@pullway\/core(?:\/config)?$/
/** Nothing that a pull needs. */
const admin = /^@pullway\/core\/admin(?:\/plain)?$/
const store = /^@pullway\/(?:memory|redis(?:\/http)?|s3)$/

const borders: readonly Border[] = [
  {
    files: /^core\/src\/config\//,
    mayImport: [/^(?:ipaddr\.js|wildcard-match|yaml)$/, /^zod(?:\/|$)/],
  },
  {
    files: /^core\/src\/admin\//,
    mayImport: [/^(?:ipaddr\.js|chanfana)$/, /^(?:hono|zod)(?:\/|$)/],
  },
  {
    files: /^core\/src\//,
    mayImport: [/^(?:hono|jose)(?:\/|$)/, /^(?:ipaddr\.js|wildcard-match|cockatiel)$/],
  },
  {
    files: /^adapters\/(?:node|bun|deno)\/src\//,
    mayImport: [publicCore, store, /^node:/, packageOfOthers],
    mayLoad: [admin],
  },
  {
    files: /^adapters\/lambda\/src\//,
    mayImport: [publicCore, store, /^@pullway\/node$/, /^node:/, packageOfOthers],
    mayLoad: [admin],
  },
  {
    files: /^adapters\/(?:cloudflare|vercel)\/src\//,
    mayImport: [publicCore, store, /^cloudflare:/, packageOfOthers],
    mayLoad: [admin],
  },
  {
    files: /^adapters\/(?:memory|redis|s3)\/src\//,
    mayImport: [packageOfOthers],
    mayImportTypes: [publicCore],
  },
  { files: /^deploy\//, mayImport: [/^@pullway\/(?:node|cloudflare|vercel|lambda)$/] },
]

const sources = readSources('core/src/**/*.ts', 'adapters/*/src/**/*.ts', 'deploy/**/*.{ts,js,mjs}')

/** What the core must get through a port. `fetch` as a global is left to the lint rule, which knows scopes. */
const hiddenNames = [
  'AbortSignal.timeout',
  'Buffer',
  'Date.now',
  'console',
  'globalThis.fetch',
  'performance',
  'process',
  'require',
  'setImmediate',
  'setInterval',
  'setTimeout',
]

test('no source file imports from beyond its border', () => {
  const found = sources.flatMap((file) => {
    const border = borders.find(({ files }) => files.test(file.path))
    return border === undefined ? [`${file.path} lies within no border`] : strangers(file, border)
  })
  expect(found).toEqual([])
  expect(sources.length).toBeGreaterThan(20)
})

test('the core names nothing of its runtime', () => {
  const found = sources.flatMap((file) => {
    if (!file.path.startsWith('core/')) return []
    const names = findFreeNames(file)
    return hiddenNames.filter((name) => names.has(name)).map((name) => `${file.path}: ${name}`)
  })
  expect(found).toEqual([])
})

test('a file is one idea: 200 lines at most', () => {
  const long = sources
    .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
    .filter(({ lines }) => lines > 200)
  expect(long).toEqual([])
})

test('no file is a drawer for anything, and a barrel is an index.ts', () => {
  const drawers = sources.filter(({ path }) =>
    /\/(?:utils?|helpers?|common|misc)(?:\.ts|\/)/.test(path),
  )
  expect(drawers.map(({ path }) => path)).toEqual([])
  const barrels = sources.filter(
    ({ path, text }) => !path.endsWith('/index.ts') && /^export (?:type )?\* from/m.test(text),
  )
  expect(barrels.map(({ path }) => path)).toEqual([])
})

describe('the reading itself', () => {
  const sample = (text: string): SourceFile => ({ path: 'core/src/sample.ts', text })

  test.each([
    ["import 'node:fs'", 'node:fs'],
    ["import { a } from '@pullway/memory'", '@pullway/memory'],
    ["import type { a } from 'undici'", 'undici'],
    ["export * from '../../adapters/node/src/index.ts'", '../../adapters/node/src/index.ts'],
    ["export type * from 'node:fs/promises'", 'node:fs/promises'],
    ["const a = await import('yaml')", 'yaml'],
    ['const a = await import(name)', '(name)'],
    ["type A = import('node:http').Server", 'node:http'],
    ["const a = require('fs')", 'fs'],
  ])('%s is seen as a stranger', (text, stranger) => {
    const file = sample(text)
    expect(strangers(file, { files: /^/, mayImport: [/^hono$/] })).toEqual([
      `${file.path}: ${stranger}`,
    ])
  })

  test('a store may take types of the core, and no values', () => {
    const border = { files: /^/, mayImport: [], mayImportTypes: [publicCore] }
    expect(strangers(sample("import type { A } from '@pullway/core'"), border)).toEqual([])
    expect(strangers(sample("import { A } from '@pullway/core'"), border)).toHaveLength(1)
  })

  test('what may be loaded may not be imported', () => {
    const border = { files: /^/, mayImport: [], mayLoad: [admin] }
    expect(strangers(sample("const a = await import('@pullway/core/admin')"), border)).toEqual([])
    for (const text of ["import '@pullway/core/admin'", "export * from '@pullway/core/admin'"])
      expect(strangers(sample(text), border)).toHaveLength(1)
  })

  test.each([
    ['Date.now()', ['Date.now']],
    ['const a = process.env', ['process']],
    ['if (x.process.console) y()', []],
    ['const a = { process: 1 }', []],
    ['interface A { console: string }', []],
    ['await globalThis.fetch(a)', ['globalThis.fetch']],
    ['setTimeout(f, 1)', ['setTimeout']],
  ])('%s names %j', (text, expected) => {
    const names = findFreeNames(sample(text))
    expect(hiddenNames.filter((name) => names.has(name))).toEqual(expected)
  })
})

function strangers(file: SourceFile, border: Border): readonly string[] {
  return findImports(file)
    .filter((found) => !isAllowed(found, file.path, border))
    .map(({ name }) => `${file.path}: ${name}`)
}

function isAllowed({ name, isTypeOnly, isDynamic }: Import, path: string, border: Border): boolean {
  if (/^\.{1,2}\//.test(name)) {
    return posix.join(posix.dirname(path), name).startsWith(homeOf(path))
  }
  if (border.mayImport.some((pattern) => pattern.test(name))) return true
  if (isDynamic && border.mayLoad?.some((pattern) => pattern.test(name))) return true
  return isTypeOnly && (border.mayImportTypes ?? []).some((pattern) => pattern.test(name))
}

/** The folder that a relative import must not leave: `core/src/`, `adapters/node/src/`, `deploy/docker/`. */
function homeOf(path: string): string {
  return /^(?:.*?\/src|deploy\/[^/]+)\//.exec(path)?.[0] ?? posix.dirname(path)
}
