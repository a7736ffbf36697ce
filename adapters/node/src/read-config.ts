import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Config, ConfigError, parseConfig } from '@pullway/core/config'
import type { Surroundings } from './surroundings.ts'
import { UserError } from './user-error.ts'

export interface ConfigFlags {
  /** A file's name. */
  readonly config?: string
  /** `host:port`, before what the environment and the file say. */
  readonly listen?: string
}

type ReadSurroundings = Pick<Surroundings, 'environment' | 'folder'>

interface Source {
  readonly file: string
  readonly text: string
}

const usualFile = 'pullway.yaml'

export interface ReadConfig {
  readonly config: Config
  /** Where it came from. */
  readonly file: string
}

/** --config, else PULLWAY_CONFIG (a document itself), else ./pullway.yaml, else the defaults. */
export async function readConfig(
  { config, listen }: ConfigFlags,
  { environment, folder }: ReadSurroundings,
): Promise<ReadConfig> {
  const { file, text } = await findSource(config, { environment, folder })
  const overridden = listen === undefined ? environment : { ...environment, PULLWAY_LISTEN: listen }
  try {
    return { config: parseConfig(text, { file, environment: overridden }), file }
  } catch (error) {
    if (listen === undefined || !(error instanceof ConfigError)) throw error
    throw new ConfigError(
      error.mistakes.map((mistake) =>
        mistake.key === 'PULLWAY_LISTEN' ? { ...mistake, file: 'flags', key: '--listen' } : mistake,
      ),
    )
  }
}

async function findSource(
  flag: string | undefined,
  { environment, folder }: ReadSurroundings,
): Promise<Source> {
  if (flag !== undefined) return { file: flag, text: await readText(folder, flag) }
  const document = environment['PULLWAY_CONFIG']
  if (document !== undefined && document !== '') return { file: 'PULLWAY_CONFIG', text: document }
  try {
    return { file: usualFile, text: await readText(folder, usualFile) }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return { file: 'defaults', text: '' }
    throw error
  }
}

async function readText(folder: string, file: string): Promise<string> {
  try {
    return await readFile(resolve(folder, file), 'utf8')
  } catch (error) {
    throw new UserError(`cannot read ${file}: ${reasonOf(error)}`, { cause: error })
  }
}

/** Why a file could not be used, without its name. */
export function reasonOf(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException
  return reasons[code] ?? message
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof UserError && (error.cause as NodeJS.ErrnoException).code === code
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not read it',
  EISDIR: 'it is a folder',
}
