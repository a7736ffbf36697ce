import * as z from 'zod/mini'
import { keyNotes } from './key-notes.ts'
import type { KeyNote } from './key-notes.ts'
import { configSchema } from './schema.ts'
import { countPattern } from './units.ts'

type JsonSchema = z.core.JSONSchema.BaseSchema

/** What editors check the document with. Kept apart from the parser, so that a bundle is free of it. */
export function configJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(configSchema, {
    io: 'input',
    // What the YAML language server knows best.
    target: 'draft-7',
    override: ({ jsonSchema, path }) => {
      const note = keyNotes[toKey(path)]
      if (note !== undefined) describe(jsonSchema, path, note)
    },
  })
  return { title: 'Pullway', ...schema, definitions: { variable } }
}

/** Every value may come from the environment. */
const variable: JsonSchema = {
  description: 'From the environment: ${NAME} or ${NAME:-default}',
  type: 'string',
  pattern: String.raw`\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}`,
}

/** `properties/upstreams/additionalProperties/properties/hosts/items` is `upstreams.*.hosts[]`. */
function toKey(path: readonly (string | number)[]): string {
  return path
    .filter((part) => part !== 'properties')
    .map((part) => (part === 'additionalProperties' ? '*' : String(part)))
    .join('.')
    .replaceAll('.items', '[]')
}

function describe(schema: JsonSchema, path: readonly (string | number)[], note: KeyNote): void {
  const { pattern, ...shown } = note
  const { type, enum: words } = schema
  Object.assign(schema, shown)
  if (path.at(-1) === 'additionalProperties') schema.type = ['object', 'null'] as never
  if (schema.properties?.url !== undefined) schema.required = ['url']
  if (type !== 'string' || (pattern === undefined && words === undefined)) return
  delete schema.type
  delete schema.enum
  schema.anyOf = [literal(pattern, words), { $ref: '#/definitions/variable' }]
}

function literal(pattern: string | undefined, words: JsonSchema['enum']): JsonSchema {
  if (words?.includes('true')) return { type: 'boolean' }
  if (pattern === countPattern.source) return { type: 'integer', minimum: 0 }
  return words === undefined ? { type: 'string', pattern: pattern ?? '' } : { enum: words }
}
