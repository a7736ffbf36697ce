import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { formatCacheMetrics } from '../../adapters/node/src/cache-metrics.ts'
import { keyNotes } from '../../core/src/config/key-notes.ts'
import { builtInRegistries } from '../../core/src/config/registries.ts'
import { createMetrics } from '../../core/src/observe/metrics.ts'
import { version } from '../../core/src/version.ts'
import { readText, root } from './sources.ts'

const readmes = ['README.md', 'README.zh-CN.md'] as const
const english = readText('README.md')
const chinese = readText('README.zh-CN.md')

/** What stands in backticks on one line, outside of code blocks. */
function quotedIn(text: string): readonly string[] {
  return [...withoutBlocks(text).matchAll(/`([^`\n]+)`/g)].map(([, quoted = '']) => quoted)
}

function blocksOf(text: string): readonly string[] {
  return [...text.matchAll(/^```.*?^```/gms)].map(([block]) => block)
}

function withoutBlocks(text: string): string {
  return text.replaceAll(/^```.*?^```/gms, '')
}

/** The first cells of all rows of all tables. */
function rowsOf(text: string): readonly string[] {
  return [...withoutBlocks(text).matchAll(/^\|([^|]*)\|/gm)].map(([, cell = '']) => cell.trim())
}

describe('paths', () => {
  const places = ['core/', 'adapters/', 'deploy/', 'test/', '.ci/', 'src/']

  test.each([
    ['core/README.md', 50],
    ['CONTRIBUTING.md', 15],
  ])('that %s names exist', (path, atLeast) => {
    const named = quotedIn(readText(path)).filter((quoted) =>
      places.some((place) => quoted.startsWith(place)),
    )
    const missing = named.filter(
      (name) => ![root, join(root, dirname(path))].some((base) => existsSync(join(base, name))),
    )
    expect(named.length).toBeGreaterThan(atLeast)
    expect(missing).toEqual([])
  })

  test.each(readmes)('that %s names exist', (path) => {
    const text = readText(path)
    const named = [...text.matchAll(/(?<![\w./-])(?:core|adapters|deploy|test|\.ci)\/[\w./-]+/g)]
    expect(named.length).toBeGreaterThan(2)
    for (const [name] of named) expect(existsSync(join(root, name)), name).toBe(true)
  })

  test('core/README.md leaves no folder of the core out', () => {
    const text = readText('core/README.md')
    const folders = readdirSync(join(root, 'core/src'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => `src/${name}/`)
    expect(folders.length).toBeGreaterThan(5)
    expect(folders.filter((folder) => !text.includes(folder))).toEqual([])
  })
})

describe('the two READMEs', () => {
  test.each(readmes)('%s shows in its first blocks how to start and how to pull', (path) => {
    const [start, pull] = blocksOf(readText(path))
    expect(start).toContain('npm start')
    expect(pull).toContain('docker pull 127.0.0.1:5000/library/alpine')
  })

  test('have the same sections', () => {
    const levels = (text: string): readonly (string | undefined)[] =>
      [...withoutBlocks(text).matchAll(/^(#+) /gm)].map(([, level]) => level)
    expect(levels(english).length).toBeGreaterThan(15)
    expect(levels(chinese)).toEqual(levels(english))
  })

  test('have the same blocks to copy', () => {
    expect(blocksOf(english).length).toBeGreaterThan(5)
    expect(blocksOf(chinese)).toEqual(blocksOf(english))
  })

  test('have tables of the same length', () => {
    const lengths = (text: string): readonly number[] =>
      [...text.matchAll(/(?:^\|.*\n)+/gm)].map(([table]) => table.split('\n').length)
    expect(lengths(english).length).toBeGreaterThan(8)
    expect(lengths(chinese)).toEqual(lengths(english))
  })

  test('quote the same statuses, codes and keys in their tables', () => {
    const words = (text: string): readonly string[] =>
      [...withoutBlocks(text).matchAll(/^\|.*$/gm)]
        .flatMap(([row]) => row.match(/\b[A-Z]+_[A-Z]+\b|\b[45]\d\d\b|`[^`]+`/g) ?? [])
        .toSorted()
    expect(words(chinese)).toEqual(words(english))
  })
})

describe.each(readmes)('%s and the code', (path) => {
  const text = readText(path)

  test('name the same metrics', () => {
    const ofCore = createMetrics()
      .render()
      .matchAll(/^# TYPE (\w+) /gm)
    const ofProcess = readText('adapters/node/src/process-metrics.ts').matchAll(/'(pullway_\w+)'/g)
    const ofCache = formatCacheMetrics({ bytes: 0, evictedBytes: 0 }).matchAll(/^# TYPE (\w+) /gm)
    const real = [...ofCore, ...ofProcess, ...ofCache].map(([, name]) => name)
    const named = [...text.matchAll(/`(pullway_\w+)`/g)].map(([, name]) => name)
    expect(real.length).toBeGreaterThan(15)
    expect(named.toSorted()).toEqual(real.toSorted())
  })

  test('name the same keys of the configuration, with the same defaults', () => {
    const keys = Object.keys(keyNotes).map((key) => key.replace(/\[\]$/, ''))
    const isLeaf = (key: string): boolean =>
      !keys.some((other) => other.startsWith(`${key}.`) || other.startsWith(`${key}[].`))
    const leaves = new Set(keys.filter((key) => key !== '' && key !== '$schema' && isLeaf(key)))
    const toRow = (key: string): string => `\`${key.replace('*', '<name>')}\``
    const rows = rowsOf(text).filter((cell) => /^`(?:[a-z]+[.A-Za-z<>[\]]*)`$/.test(cell))
    expect(rows.toSorted()).toEqual([...leaves].map(toRow).toSorted())
    for (const [key, { default: usual }] of Object.entries(keyNotes)) {
      if (typeof usual !== 'string') continue
      const row = text.split('\n').find((line) => line.startsWith(`| ${toRow(key)} `))
      expect(row).toContain(`\`${usual}\``)
    }
  })

  test('name the same built-in registries', () => {
    const missing = builtInRegistries.filter(({ name }) => !text.includes(name))
    expect(missing).toEqual([])
  })
})

test('CHANGELOG.md has this version, or tells what it will hold', () => {
  const text = readText('CHANGELOG.md')
  expect(text).toMatch(/^## \[Unreleased\]$/m)
  expect(text).toContain(version)
})
