import { execFile } from 'node:child_process'
import { join, posix, relative } from 'node:path'
import { promisify } from 'node:util'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import { findImports, listFiles, readText, root } from './sources.ts'

interface Manifest {
  readonly name: string
  readonly version: string
  readonly license?: string
  readonly private?: boolean
  readonly exports?: Readonly<Record<string, unknown>>
  readonly engines?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const kinds = [
  'dependencies',
  'devDependencies',
  'optionalDependencies',
  'peerDependencies',
] as const

const manifests = new Map(
  listFiles('package.json', '{core,test}/package.json', '{adapters,deploy}/*/package.json').map(
    (path) => [path.replace(/\/?package\.json$/, ''), JSON.parse(readText(path)) as Manifest],
  ),
)

describe('dependencies', () => {
  test('have exact versions, the same everywhere', () => {
    const versions = new Map<string, Set<string>>()
    for (const manifest of manifests.values()) {
      for (const [name, version] of kinds.flatMap((kind) => Object.entries(manifest[kind] ?? {}))) {
        versions.set(name, (versions.get(name) ?? new Set()).add(version))
      }
    }
    expect(versions.size).toBeGreaterThan(10)
    const inexact = [...versions].filter(([, found]) =>
      [...found].some((version) => !/^\d+\.\d+\.\d+$/.test(version)),
    )
    expect(inexact).toEqual([])
    expect([...versions].filter(([, found]) => found.size > 1)).toEqual([])
  })

  test('of every workspace stand in the lockfile', () => {
    const { packages } = JSON.parse(readText('package-lock.json')) as {
      packages: Record<string, Partial<Manifest>>
    }
    for (const [path, manifest] of manifests) {
      for (const kind of kinds) {
        expect(packages[path]?.[kind] ?? {}, `${path} ${kind}`).toEqual(manifest[kind] ?? {})
      }
    }
  })
})

test('the core compiles for no runtime: node:*, Buffer and process are errors', () => {
  const { options, fileNames } = ts.getParsedCommandLineOfConfigFile(
    join(root, 'core/tsconfig.json'),
    undefined,
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: (diagnostic) => expect.fail(textOf(diagnostic)),
    },
  )!
  expect(options.types).toEqual([])
  expect(options.lib).toEqual(['lib.es2023.d.ts', 'lib.webworker.d.ts'])

  // With the core's own files beside it, since a type package can also come in through a dependency.
  const sample = join(root, 'core/src/sample.ts')
  const text =
    "import 'node:fs'\nexport const a: unknown = Buffer\nexport const b: unknown = process\n"
  const disk = ts.createCompilerHost(options)
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: (path) => path === sample || disk.fileExists(path),
    getSourceFile: (path, target) =>
      path === sample
        ? ts.createSourceFile(path, text, target, true)
        : disk.getSourceFile(path, target),
  }
  const program = ts.createProgram([...fileNames, sample], { ...options, noEmit: true }, host)
  const errors = program.getSemanticDiagnostics(program.getSourceFile(sample)).map(textOf)
  expect(errors).toHaveLength(3)
  expect(errors[0]).toMatch(/'node:fs'/)
  expect(errors[1]).toMatch(/'Buffer'/)
  expect(errors[2]).toMatch(/'process'/)
})

describe('what npm users get', () => {
  const entriesOf: Readonly<Record<string, readonly string[]>> = {
    core: ['.', './config', './admin', './admin/plain'],
    'adapters/redis': ['.', './http'],
    'adapters/vercel': ['./node', './edge'],
  }
  const published = [...manifests].filter(([, manifest]) => manifest.private !== true)

  test.each(published)('%s exports its entries and nothing else', async (path, manifest) => {
    expect(manifest.license).toBe('MIT')
    const entries = entriesOf[path] ?? ['.']
    expect(Object.keys(manifest.exports ?? {})).toEqual(entries)
    for (const entry of entries) {
      expect((await namesOf(join(manifest.name, entry))).length).toBeGreaterThan(0)
    }
    for (const inner of ['dist/index.js', 'src/index.ts', 'package.json']) {
      await expect(namesOf(`${manifest.name}/${inner}`)).rejects.toThrow(
        'ERR_PACKAGE_PATH_NOT_EXPORTED',
      )
    }
  })

  test('a pull loads nothing of the admin API', async () => {
    const admin = importsOf('core/dist/admin/index.js')
    expect(admin).toEqual(expect.arrayContaining(['chanfana', 'hono', 'zod']))
    for (const entry of ['core/dist/index.js', 'core/dist/config/index.js']) {
      const all = importsOf(entry)
      expect(all.length).toBeGreaterThan(1)
      expect(all.filter((name) => /chanfana|openapi|admin|^zod$/.test(name))).toEqual([])
    }
  })

  test('the core comes as Web code: its files name no module of Node', async () => {
    for (const file of listBuilt('core')) {
      const { importedFiles } = ts.preProcessFile(readText(file))
      expect(importedFiles.filter(({ fileName }) => fileName.startsWith('node:'))).toEqual([])
    }
  })
})

/** Of a built file and all of its package's that it imports; what it loads later is not among them. */
function importsOf(path: string): readonly string[] {
  return findImports({ path, text: readText(path) })
    .filter(({ isDynamic }) => !isDynamic)
    .flatMap(({ name }) =>
      name.startsWith('.') ? importsOf(posix.join(posix.dirname(path), name)) : [name],
    )
}

const execute = promisify(execFile)

/** What workerd brings along, for a package that is made for it. */
const workersModules = `data:text/javascript,${encodeURIComponent(`
import { registerHooks } from 'node:module'
registerHooks({
  resolve: (name, context, next) =>
    name.startsWith('cloudflare:') ? { url: name, shortCircuit: true } : next(name, context),
  load: (url, context, next) =>
    url.startsWith('cloudflare:')
      ? { format: 'module', source: 'export const env = {}', shortCircuit: true }
      : next(url, context),
})`)}`

/** The names that a module exports to a program that has installed it: no alias, no TypeScript. */
async function namesOf(specifier: string): Promise<readonly string[]> {
  const program = `console.log(JSON.stringify(Object.keys(await import('${specifier}'))))`
  const flags = ['--import', workersModules, '--input-type=module', '--eval', program]
  const { stdout } = await execute(process.execPath, flags, {
    cwd: join(root, 'test'),
    timeout: 10_000,
  })
  return JSON.parse(stdout) as readonly string[]
}

function listBuilt(workspace: string): readonly string[] {
  const built = ts.sys.readDirectory(join(root, workspace, 'dist'), ['.js'])
  expect(built.length).toBeGreaterThan(0)
  return built.map((path) => relative(root, path))
}

function textOf({ messageText }: ts.Diagnostic): string {
  return ts.flattenDiagnosticMessageText(messageText, '\n')
}
