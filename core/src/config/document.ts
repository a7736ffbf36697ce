import { isMap, LineCounter, parseDocument } from 'yaml'
import type { YAMLParseError } from 'yaml'
import type { Environment } from './interpolate.ts'
import type { Report } from './mistakes.ts'
import { createReader } from './nodes.ts'

/** A mapping of texts, lists and mappings; undefined for a key without a value. */
export type DocumentValue = Record<string, unknown>

const maxDocumentBytes = 1024 * 1024
const maxSyntaxMistakes = 20

/** YAML, and JSON as a part of it, to plain values; throws a ConfigError where that is not possible. */
export function readDocument(
  text: string,
  environment: Environment,
  report: Report,
): DocumentValue {
  if (new TextEncoder().encode(text).byteLength > maxDocumentBytes) {
    report.fail({ line: 1, message: 'is larger than 1 MiB: check that it is the configuration' })
  }
  const lineCounter = new LineCounter()
  const lineAt = (position: number): number => Math.max(lineCounter.linePos(position).line, 1)
  const { contents, errors } = parseDocument(text, {
    lineCounter,
    // Every scalar stays a text: a password of digits must not become a number.
    schema: 'failsafe',
    resolveKnownTags: false,
    // The reader looks for double keys: the parser's own check is quadratic.
    uniqueKeys: false,
    prettyErrors: false,
  })
  if (errors.length > 0) {
    report.fail(
      ...errors.slice(0, maxSyntaxMistakes).map((error) => ({
        line: lineAt(error.pos[0]),
        message: syntaxMessage(error),
      })),
    )
  }
  const value = createReader(environment, report, lineAt)(contents)
  if (value === undefined) return {}
  if (isMap(contents)) return value as DocumentValue
  return report.fail({
    line: 1,
    message: 'must be a mapping: keys such as "listen:" or "upstreams:" with their values',
  })
}

function syntaxMessage({ code, message }: Pick<YAMLParseError, 'code' | 'message'>): string {
  if (code === 'MULTIPLE_DOCS')
    return 'must be one document: remove the line "---" and what follows'
  if (code === 'RESOURCE_EXHAUSTION') return 'is nested too deeply'
  // What comes after the colon quotes the document, which may hold a secret.
  const reason = message.replace(/(?<=\w): .*/s, '').replace(/\p{C}/gu, ' ')
  return `is not valid YAML here: ${reason.slice(0, 150)}`
}
