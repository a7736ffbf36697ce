import { existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { listFiles, readText, root } from './sources.ts'

const { scripts } = JSON.parse(readText('package.json')) as { scripts: Record<string, string> }

const files = listFiles('**/*', '.*', '.ci/*').filter((path) => statSync(join(root, path)).isFile())
const documents = files.filter((path) => path.endsWith('.md'))

test.each(['README.md', 'README.zh-CN.md'])(
  'the first screen of %s has the two commands',
  (path) => {
    const firstScreen = readText(path).split('\n').slice(0, 40).join('\n')
    expect(firstScreen).toContain('npm start')
    expect(firstScreen).toContain('npm test')
    expect(firstScreen).toMatch(/docker pull|podman pull/)
  },
)

test('CONTRIBUTING.md names the commands of those who work on Pullway', () => {
  const text = readText('CONTRIBUTING.md')
  for (const command of ['npm test', 'npm run test:clients', 'npm run check', 'npm run bench']) {
    expect(text).toContain(command)
  }
})

test('a command that a document names exists', () => {
  const unknown = documents.flatMap((path) =>
    [...readText(path).matchAll(/\bnpm run ([a-z][a-z:-]*)/g)]
      .map(([, name = '']) => name)
      .filter((name) => !(name in scripts))
      .map((name) => `${path}: npm run ${name}`),
  )
  expect(unknown).toEqual([])
})

test('a file that a document links to exists', () => {
  const missing = documents.flatMap((path) =>
    [...readText(path).matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)[^)]*\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !existsSync(join(root, dirname(path), decodeURIComponent(target))))
      .map((target) => `${path}: ${target}`),
  )
  expect(missing).toEqual([])
})

test("no file holds a path of somebody's machine", () => {
  const found = files.filter((path) => {
    const text = readText(path)
    return text.includes(root) || /\/(?:home|Users)\/[a-z]\w+\//.test(text)
  })
  expect(found).toEqual([])
})
