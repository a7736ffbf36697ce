import { describe, expect, test } from 'vitest'
import { errorsAnswer, upstreamAnswer, upstreamsAnswer } from '../../core/src/admin/answers.ts'
import { createAdminWorld, manifest } from './world.ts'

interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly enum?: readonly unknown[]
  readonly format?: string
  readonly minimum?: number
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: boolean
  readonly description?: string
}

interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly parameters?: readonly { readonly name: string; readonly in: string }[]
  readonly responses: Readonly<
    Record<
      string,
      {
        readonly description: string
        readonly content: { readonly 'application/json': { readonly schema: Schema } }
      }
    >
  >
}

interface Document {
  readonly openapi: string
  readonly info: { readonly title: string; readonly version: string }
  readonly security: readonly Readonly<Record<string, readonly string[]>>[]
  readonly servers: readonly { readonly url: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>
    readonly securitySchemes: Readonly<Record<string, object>>
  }
}

const world = createAdminWorld()
const answer = await world.ask('/api/openapi.json')
const document = JSON.parse(answer.text) as Document
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
)

test('is an OpenAPI 3.1 document of two paths that only tell', () => {
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/json'])
  expect(document.openapi).toBe('3.1.0')
  expect(document.info.title).toBe('Pullway')
  expect(document.info.version).toMatch(/^\d+\.\d+\.\d+$/)
  expect(operations.map(({ path, method }) => `${method} ${path}`)).toEqual([
    'get /api/v1/upstreams',
    'get /api/v1/upstreams/{name}',
  ])
})

test('names Basic, and each operation once, with its parameters', () => {
  expect(document.components.securitySchemes).toEqual({ basic: { type: 'http', scheme: 'basic' } })
  expect(document.security).toEqual([{ basic: [] }])
  expect(document.servers).toEqual([{ url: '/' }])
  const ids = operations.map(({ operation }) => operation.operationId)
  expect(new Set(ids).size).toBe(ids.length)
  for (const { path, operation } of operations) {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
    const described = (operation.parameters ?? []).filter(({ in: place }) => place === 'path')
    expect(described.map(({ name }) => name)).toEqual(inPath)
    expect(operation.summary).toMatch(/\w/)
  }
})

test('refers to nothing that it does not have, and says what each field means', () => {
  const refs = [...answer.text.matchAll(/"\$ref": "([^"]+)"/g)].map(([, ref]) => ref)
  expect(refs.length).toBeGreaterThan(10)
  for (const ref of refs) {
    const [, name = ''] = /^#\/components\/schemas\/(\w+)$/.exec(ref ?? '') ?? []
    expect(Object.keys(document.components.schemas), ref).toContain(name)
  }
  for (const [name, { properties = {}, required, type }] of Object.entries(
    document.components.schemas,
  )) {
    expect(type, name).toBe('object')
    expect(required, name).toEqual(Object.keys(properties))
    for (const [field, schema] of Object.entries(properties))
      expect(schema.description, `${name}.${field}`).toMatch(/\w/)
  }
  expect(answer.text).not.toMatch(/https?:/)
})

describe('what is answered is what is described', () => {
  const cases = [
    ['/api/v1/upstreams', '/api/v1/upstreams', 200, upstreamsAnswer],
    ['/api/v1/upstreams/docker.io', '/api/v1/upstreams/{name}', 200, upstreamAnswer],
    ['/api/v1/upstreams/nowhere', '/api/v1/upstreams/{name}', 404, errorsAnswer],
  ] as const

  test.each(cases)('%s', async (path, described, status, schema) => {
    await world.mirror.get(manifest)
    const { status: found, text } = await world.ask(path)
    expect(found).toBe(status)
    const value: unknown = JSON.parse(text)
    expect(schema.parse(value)).toEqual(value)
    const response = document.paths[described]!.get!.responses[String(status)]
    expect(mismatches(response!.content['application/json'].schema, value, '$')).toEqual([])
  })

  test.each([401, 403])('%i', async (status) => {
    const { mirror, ask } = createAdminWorld({ admins: ['bob'] })
    const { text, status: found } = await (status === 401
      ? mirror.get('/api/v1/upstreams')
      : ask('/api/v1/upstreams'))
    expect(found).toBe(status)
    const { schema } = operations[0]!.operation.responses[status]!.content['application/json']
    expect(mismatches(schema, JSON.parse(text), '$')).toEqual([])
    errorsAnswer.parse(JSON.parse(text))
  })

  test('the reading itself finds what does not fit', () => {
    const rest = document.components.schemas.Rest!
    const good = { until: '2026-11-21T00:00:00.000Z', reason: 'timeout', message: 'x' }
    expect(mismatches(rest, good, '$')).toEqual([])
    for (const bad of [
      null,
      {},
      { ...good, until: 'soon' },
      { ...good, reason: 'bored' },
      { ...good, more: 1 },
    ])
      expect(mismatches(rest, bad, '$').length).toBeGreaterThan(0)
  })
})

/** As much of JSON Schema as the document uses. */
function mismatches(schema: Schema, value: unknown, at: string): readonly string[] {
  const { $ref, anyOf, type, items, properties = {}, required = [] } = schema
  if ($ref !== undefined) {
    const name = $ref.slice($ref.lastIndexOf('/') + 1)
    return mismatches(document.components.schemas[name]!, value, at)
  }
  if (anyOf) {
    const all = anyOf.map((one) => mismatches(one, value, at))
    return all.some((found) => found.length === 0) ? [] : all.flat()
  }
  const types = [type ?? []].flat()
  if (!types.includes(typeOf(value))) return [`${at} is no ${types.join(' or ')}`]
  if (schema.enum && !schema.enum.includes(value)) return [`${at} is none of the list`]
  if (schema.format === 'date-time' && !/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(String(value)))
    return [`${at} is no time`]
  if (typeof value === 'number' && value < (schema.minimum ?? -Infinity)) return [`${at} is small`]
  if (Array.isArray(value))
    return value.flatMap((one, index) => mismatches(items!, one, `${at}[${index}]`))
  if (typeof value !== 'object' || value === null) return []
  const missing = required.filter((name) => !(name in value)).map((name) => `${at}.${name} is not`)
  const fields = Object.entries(value).flatMap(([name, one]) =>
    properties[name] ? mismatches(properties[name], one, `${at}.${name}`) : [`${at}.${name} is`],
  )
  return [...missing, ...fields]
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return Number.isInteger(value) ? 'integer' : typeof value
}
