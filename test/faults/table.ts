import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A pull that a fault gets in the way of. */
export const columns = [
  'tag',
  'digest',
  'blob',
  'stale',
  'warm',
  'tag, 2',
  'digest, 2',
  'blob, 2',
] as const

export type Column = (typeof columns)[number]

export interface Row {
  readonly name: string
  readonly words: Readonly<Record<Column, string>>
  /** The longest that any of them may take. */
  readonly seconds: number
}

const file = join(import.meta.dirname, 'matrix.md')

/** What is expected: a table of matrix.md, by its first column's title. */
export function readTable(title: string): readonly Row[] {
  const lines = readFileSync(file, 'utf8').split('\n')
  const start = lines.findIndex((line) => cellsOf(line)[0] === title)
  if (start < 0) throw new Error(`no table ${title} in matrix.md`)
  const heads = cellsOf(lines[start]!)
  const rows = lines.slice(start + 2)
  const end = rows.findIndex((line) => !line.startsWith('|'))
  return rows.slice(0, end < 0 ? undefined : end).map((line) => {
    const cells = cellsOf(line)
    const cellOf = (head: string): string => cells[heads.indexOf(head)] ?? ''
    const words = columns.map((column) => [column, cellOf(column)])
    return {
      name: cells[0] ?? '',
      words: Object.fromEntries(words) as Record<Column, string>,
      seconds: Number(cellOf('s')),
    }
  })
}

function cellsOf(line: string): readonly string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim())
}

/** As matrix.md has it. */
export function formatTable(title: string, rows: readonly Row[]): string {
  const table = [
    [title, ...columns, 's'],
    ...rows.map(({ name, words, seconds }) => [
      name,
      ...columns.map((column) => words[column]),
      seconds.toFixed(1),
    ]),
  ]
  const widths = table[0]!.map((_, index) => Math.max(...table.map((row) => row[index]!.length)))
  return table
    .map((row) => row.map((cell, index) => cell.padEnd(widths[index]!)).join('  '))
    .join('\n')
}
