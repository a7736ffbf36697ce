import { expect, test } from 'vitest'
import { type Language, tableOf } from '../acceptance/capabilities.ts'
import { readText } from './sources.ts'

const documents: readonly (readonly [path: string, language: Language])[] = [
  ['README.md', 'en'],
  ['README.zh-CN.md', 'zh'],
]

test.each(documents)(
  '%s tells what the acceptance suite expects of each platform',
  (path, language) => {
    const table = tableOf(language)
    const rows = readText(path)
      .split('\n')
      .filter((line) => line.startsWith('|'))
      .map((line) =>
        line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      )
    const head = rows.findIndex((cells) => cells[0] === table[0]![0])
    const [first, , ...others] = rows.slice(head, head + table.length + 1)
    expect([first, ...others]).toEqual(table)
  },
)
