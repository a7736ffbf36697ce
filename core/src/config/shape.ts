import type * as z from 'zod/mini'
import type { DocumentValue } from './document.ts'
import type { KeyPath, Report } from './mistakes.ts'
import { nearestWord } from './nearest-word.ts'
import { configSchema } from './schema.ts'
import type { GivenConfig } from './schema.ts'

/** Keys and words of later versions: leaving out `tls` in silence would be dangerous. */
const laterKeys = new Set(['tls'])
/** Platforms bring these by a binding, not by the document. */
const laterWords = new Set(['r2', 'kv'])

/**
 * Reports all that is wrong with single keys and values, and returns the rest: every key is optional, so
 * the checks that compare keys can go on and all mistakes are reported at once.
 */
export function toGivenConfig(value: DocumentValue, report: Report): GivenConfig {
  const parsed = configSchema.safeParse(value)
  if (parsed.success) return parsed.data
  const wrong = parsed.error.issues.flatMap((issue) =>
    pathsOf(issue).map((path) => ({ path, message: explain(issue, path, valueAt(value, path)) })),
  )
  for (const { path, message } of wrong) report.add(path, message)
  for (const { path } of wrong) leaveOut(value, path)
  return configSchema.parse(value)
}

function pathsOf(issue: z.core.$ZodIssue): KeyPath[] {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)))
  return issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...path, key]) : [path]
}

function explain(issue: z.core.$ZodIssue, path: KeyPath, value: unknown): string {
  if (issue.code === 'unrecognized_keys') return explainKey(path)
  if (issue.code === 'invalid_value') return explainWord(issue.values.map(String), value)
  if (issue.code === 'invalid_type') return typeMessages[issue.expected] ?? issue.message
  return issue.message
}

const typeMessages: Readonly<Record<string, string>> = {
  array: 'must be a list: [one, two]',
  string: 'must be a single value, neither a list nor a mapping',
  object: 'must be a mapping: keys with their values',
  record: 'must be a mapping: keys with their values',
}

function explainKey(path: KeyPath): string {
  const pattern = path.map((part, index) => (index === 1 && path[0] === 'upstreams' ? '*' : part))
  if (laterKeys.has(pattern.join('.'))) return 'is not supported by this version: remove it'
  const known = keysOf(path.slice(0, -1).reduce(childOf, configSchema))
  const nearest = nearestWord(String(path.at(-1)), known)
  if (nearest !== undefined) return `is not a known key: did you mean "${nearest}"?`
  return `is not a known key: remove it (known here: ${known.join(', ')})`
}

function explainWord(known: readonly string[], value: unknown): string {
  const choice = `must be ${known.slice(0, -1).join(', ')} or ${known.at(-1)}`
  if (typeof value !== 'string') return choice
  if (laterWords.has(value)) return `is not supported by this version: it ${choice}`
  const nearest = nearestWord(value, known)
  return nearest === undefined ? choice : `${choice}: did you mean "${nearest}"?`
}

function childOf(schema: z.core.$ZodType, part: string | number): z.core.$ZodType {
  const { def } = (schema as z.core.$ZodTypes)._zod
  if (def.type === 'optional') return childOf(def.innerType, part)
  if (def.type === 'array') return def.element
  if (def.type === 'record') return def.valueType
  return def.type === 'object' ? (def.shape[part] ?? schema) : schema
}

function keysOf(schema: z.core.$ZodType): string[] {
  const { def } = (schema as z.core.$ZodTypes)._zod
  if (def.type === 'optional') return keysOf(def.innerType)
  return def.type === 'object' ? Object.keys(def.shape) : []
}

function valueAt(value: unknown, path: KeyPath): unknown {
  return path.reduce<unknown>(
    (inner, part) => (inner as Record<string | number, unknown> | null | undefined)?.[part],
    value,
  )
}

/** An item of a list leaves its place empty, so that the others keep theirs. */
function leaveOut(value: DocumentValue, path: KeyPath): void {
  const parent = valueAt(value, path.slice(0, -1))
  const last = path.at(-1)
  if (last === undefined || typeof parent !== 'object' || parent === null) return
  if (Array.isArray(parent)) parent[Number(last)] = undefined
  else Reflect.deleteProperty(parent, last)
}
