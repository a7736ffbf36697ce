import { toAddress } from '../web/address.ts'
import { type Html, html } from '../web/html.ts'
import { chooseLanguage } from '../web/language.ts'
import { renderPage } from '../web/page.ts'
import { type DocsTexts, docsTexts } from './docs-texts.ts'

/** What the page shows of an OpenAPI document. */
export interface Description {
  readonly info: { readonly version: string; readonly description: string }
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

interface Operation {
  readonly summary: string
  readonly parameters?: readonly { readonly name: string; readonly schema: Schema }[]
  readonly responses: Readonly<Record<string, Answered>>
}

interface Answered {
  readonly description: string
  readonly content: { readonly 'application/json': { readonly schema: Schema } }
}

interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly items?: Schema
  readonly enum?: readonly string[]
  readonly oneOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
  readonly anyOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
}

export interface DocsOptions {
  readonly description: Description
  readonly origin: string
  readonly acceptLanguage: string | null
  readonly language: string | null
}

/** The page at /api/docs: the description for people, with nothing from elsewhere. */
export function renderDocs({
  description,
  origin,
  acceptLanguage,
  language,
}: DocsOptions): Response {
  const chosen = chooseLanguage(language, acceptLanguage)
  const words = docsTexts[chosen]
  const { info, paths, components } = description
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) =>
      renderOperation(method.toUpperCase(), path, operation, toAddress(origin).origin, words),
    ),
  )
  const schemas = Object.entries(components.schemas).filter(([, { properties }]) => properties)
  return renderPage({
    title: words.title,
    language: chosen,
    path: '/api/docs',
    main: html`<h1>${words.title}</h1>
      <p>${words.about}</p>
      <p>${words.machine} <a href="/api/openapi.json">/api/openapi.json</a></p>
      ${words.english === '' ? html`` : html`<p class="note">${words.english}</p>`}
      <p>${info.description}</p>
      ${operations}
      <h2 id="schemas">${words.schemas}</h2>
      ${schemas.map(([name, schema]) => renderSchema(name, schema))}`,
    footer: `Pullway ${info.version}`,
  })
}

function renderOperation(
  method: string,
  path: string,
  { summary, parameters = [], responses }: Operation,
  origin: string,
  words: DocsTexts,
): Html {
  const example = `curl -u NAME '${origin}${path.replace('{name}', 'docker.io')}'`
  const given = parameters.map(({ name, schema }) => renderRow(name, schema))
  const answers = Object.entries(responses).map(([status, { description, content }]) =>
    renderRow(status, { ...content['application/json'].schema, description }),
  )
  return html`<h2><code>${method} ${path}</code></h2>
    <p>${summary}</p>
    <pre>${example}</pre>
    ${given.length === 0 ? html`` : renderRows(words.parameters, given)}
    ${renderRows(words.answers, answers)}`
}

function renderRows(title: string, rows: readonly Html[]): Html {
  return html`<p class="dim">${title}</p>
    <dl>${rows}</dl>`
}

function renderSchema(name: string, { description = '', properties = {} }: Schema): Html {
  const rows = Object.entries(properties).map(([field, schema]) => renderRow(field, schema))
  return html`<details open>
    <summary>${name}</summary>
    <p>${description}</p>
    <dl>${rows}</dl>
  </details>`
}

function renderRow(name: string, schema: Schema): Html {
  return html`<dt><code>${name}</code></dt>
    <dd><code>${typeOf(schema)}</code> ${describe(schema)}</dd>`
}

function describe(schema: Schema): string {
  const parts = alternatives(schema)
  return schema.description ?? parts.find(({ description }) => description)?.description ?? ''
}

/** As a person says it: `Endpoint[]`, `string | null`. */
function typeOf(schema: Schema): string {
  const { $ref, items, type, enum: values } = schema
  if ($ref !== undefined) return $ref.slice($ref.lastIndexOf('/') + 1)
  if (values) return values.map((value) => JSON.stringify(value)).join(' | ')
  if (items) return `${typeOf(items)}[]`
  const parts = alternatives(schema)
  if (parts.length > 0) return [...new Set(parts.map(typeOf).filter(Boolean))].join(' | ')
  return [type ?? ''].flat().join(' | ')
}

function alternatives({ oneOf = [], anyOf = [], allOf = [] }: Schema): readonly Schema[] {
  return [...oneOf, ...anyOf, ...allOf]
}
