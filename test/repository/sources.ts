import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

export const root: string = join(import.meta.dirname, '../..')

const ignoredFolders = ['node_modules', 'dist', '.turbo', 'coverage']

export interface SourceFile {
  /** From the repository's root. */
  readonly path: string
  readonly text: string
}

export function readText(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

/** What git ignores (built, installed, cached) is not among them. */
export function listFiles(...patterns: readonly string[]): readonly string[] {
  const exclude = ['.git', 'data', ...ignoredFolders.map((name) => `**/${name}`)]
  return globSync(patterns, { cwd: root, exclude }).toSorted()
}

export function readSources(...patterns: readonly string[]): readonly SourceFile[] {
  return listFiles(...patterns).map((path) => ({ path, text: readText(path) }))
}

export interface Import {
  readonly name: string
  readonly isTypeOnly: boolean
  /** `import()`: not before it is needed. */
  readonly isDynamic: boolean
}

/** Every module that a file names: import, export from, import(), import('x').T and require(). */
export function findImports({ path, text }: SourceFile): readonly Import[] {
  const imports: Import[] = []
  visit(parse(path, text), (node) => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeOnlyClause(node.importClause))
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly)
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal, true)
    } else if (ts.isCallExpression(node) && isImportCall(node)) add(node.arguments[0], false, true)
  })
  return imports

  function add(specifier: ts.Node | undefined, isTypeOnly: boolean, isDynamic = false): void {
    if (specifier === undefined) return
    // A computed name cannot be checked; it is kept as its text, which no border allows.
    const name = ts.isStringLiteralLike(specifier) ? specifier.text : `(${specifier.getText()})`
    imports.push({ name, isTypeOnly, isDynamic })
  }
}

/** Names used as values or types, but not as a property's or a member's name: `process`, not `x.process`. */
export function findFreeNames({ path, text }: SourceFile): ReadonlySet<string> {
  const names = new Set<string>()
  visit(parse(path, text), (node) => {
    if (ts.isIdentifier(node) && !isMemberName(node)) names.add(node.text)
    if (ts.isPropertyAccessExpression(node)) names.add(node.getText().replaceAll(/\s|\?/g, ''))
  })
  return names
}

function parse(path: string, text: string): ts.SourceFile {
  return ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
}

function visit(node: ts.Node, see: (node: ts.Node) => void): void {
  see(node)
  ts.forEachChild(node, (child) => visit(child, see))
}

function isTypeOnlyClause(clause: ts.ImportClause | undefined): boolean {
  return clause?.phaseModifier === ts.SyntaxKind.TypeKeyword
}

function isImportCall({ expression }: ts.CallExpression): boolean {
  return (
    expression.kind === ts.SyntaxKind.ImportKeyword ||
    (ts.isIdentifier(expression) && expression.text === 'require')
  )
}

function isMemberName(node: ts.Identifier): boolean {
  const { parent } = node
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node
  if (ts.isPropertyAssignment(parent)) return parent.name === node
  return ts.isMethodSignature(parent) || ts.isPropertySignature(parent)
}
