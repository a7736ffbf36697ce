import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runProgram } from '../repository/run-program.ts'

const program = fileURLToPath(new URL('../../adapters/vercel/build-output.mjs', import.meta.url))

export interface BuildOutput {
  readonly folder: string
  /** The function's only file. */
  readonly file: string
  readonly code: string
  readonly config: unknown
  readonly functionConfig: unknown
  remove(): Promise<void>
}

/** What `vercel deploy --prebuilt` would take, made by our build; without a document, with the kit's own. */
export async function buildOutput(
  runtime: 'node' | 'edge',
  document?: string,
  flags: readonly string[] = [],
): Promise<BuildOutput> {
  const home = await mkdtemp(join(tmpdir(), 'pullway-vercel-'))
  const config = join(home, 'pullway.yaml')
  const folder = join(home, 'output')
  if (document !== undefined) await writeFile(config, document)
  const { code, output } = await runProgram(process.execPath, [
    program,
    ...(runtime === 'edge' ? ['--edge'] : []),
    ...(document === undefined ? [] : ['--config', config]),
    ...flags,
    ...['--out', folder],
  ])
  if (code !== 0) throw new Error(`the build ended with ${String(code)}: ${output}`)
  const file = join(folder, 'functions/index.func/index.mjs')
  return {
    folder,
    file,
    code: await readFile(file, 'utf8'),
    config: await readJson(join(folder, 'config.json')),
    functionConfig: await readJson(join(folder, 'functions/index.func/.vc-config.json')),
    remove: () => rm(home, { recursive: true }),
  }
}

async function readJson(path: string): Promise<unknown> {
  return JSON.parse(await readFile(path, 'utf8')) as unknown
}
