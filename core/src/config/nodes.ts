import { isAlias, isMap, isScalar, isSeq } from 'yaml'
import type { Alias, Node, Scalar, YAMLMap, YAMLSeq } from 'yaml'
import { interpolate } from './interpolate.ts'
import type { Environment } from './interpolate.ts'
import type { KeyPath, Report } from './mistakes.ts'

// Counted with every alias written out, so that a few lines cannot stand for millions of values.
const maxNodes = 20_000
const maxDepth = 32

const noAnchor =
  'refers with * to something that no & before it names: put quotes around a value that begins with *'

/** What plain YAML means by "nothing"; as a quoted text it stays a text. */
const nullWords = new Set(['', '~', 'null', 'Null', 'NULL'])

/**
 * Turns YAML's nodes into plain values, notes the line of each, and puts environment variables into texts
 * that are already parsed, so that no variable can become structure. An empty value is an absent one.
 */
export function createReader(
  environment: Environment,
  report: Report,
  lineAt: (position: number) => number,
): (root: Node | null) => unknown {
  const anchors = new Map<string, { readonly value: unknown; readonly nodes: number }>()
  let nodes = 0

  const lineOf = (node: unknown): number => lineAt((node as Node | null)?.range?.[0] ?? 0)

  const count = (added: number, node: unknown): void => {
    nodes += added
    if (nodes <= maxNodes) return
    report.fail({
      line: lineOf(node),
      message: `has more than ${maxNodes} values, aliases counted: check that it is the configuration`,
    })
  }

  function toValue(node: unknown, path: KeyPath): unknown {
    count(1, node)
    if (path.length > maxDepth) {
      report.fail({ line: lineOf(node), message: 'is nested too deeply' })
    }
    if (isAlias(node)) return fromAlias(node, path)
    const { tag, anchor } = (node ?? {}) as Partial<Scalar>
    if (tag !== undefined) report.add(path, 'has a YAML tag (!): remove it', lineOf(node))
    const before = nodes
    const value = toPlain(node, path)
    // Known only now, so an alias within its own anchor finds nothing instead of a circle.
    if (anchor !== undefined) anchors.set(anchor, { value, nodes: nodes - before })
    return value
  }

  function toPlain(node: unknown, path: KeyPath): unknown {
    if (isMap(node)) return toMapping(node, path)
    if (isSeq(node)) return toList(node, path)
    return isScalar(node) ? toText(node, path) : undefined
  }

  function fromAlias(alias: Alias, path: KeyPath): unknown {
    const anchored = anchors.get(alias.source)
    if (anchored === undefined) {
      report.add(path, noAnchor, lineOf(alias))
      return undefined
    }
    count(anchored.nodes, alias)
    return anchored.value
  }

  function toMapping({ items }: YAMLMap, path: KeyPath): Record<string, unknown> {
    // Without a prototype, so that no key of the document means something to JavaScript.
    const mapping = Object.create(null) as Record<string, unknown>
    for (const { key, value } of items) {
      const line = lineOf(key)
      if (!isScalar(key) || key.value === '__proto__' || key.value === '') {
        report.add([...path, '?'], 'is not a key: write a plain word before the colon', line)
        continue
      }
      const name = String(key.value)
      if (Object.hasOwn(mapping, name)) {
        report.add([...path, name], 'is there twice: keep one of them', line)
        continue
      }
      report.locate([...path, name], line)
      mapping[name] = toValue(value, [...path, name])
    }
    return mapping
  }

  function toList({ items }: YAMLSeq, path: KeyPath): unknown[] {
    return items.map((item, index) => {
      const itemPath = [...path, index]
      report.locate(itemPath, lineOf(item))
      const value = toValue(item, itemPath)
      if (value === undefined) report.add(itemPath, 'is empty: give it a value or remove it')
      return value
    })
  }

  function toText(scalar: Scalar, path: KeyPath): string | undefined {
    const source = String(scalar.value)
    if (scalar.type === 'PLAIN' && nullWords.has(source)) return undefined
    const { text, problems } = interpolate(source, environment)
    if (problems.length > 0) report.add(path, problems.join('; '), lineOf(scalar))
    return text === '' ? undefined : text
  }

  return (root) => (root === null ? undefined : toValue(root, []))
}
