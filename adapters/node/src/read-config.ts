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

type Source = Omit<ReadConfig, 'config'>

const usualFile = 'pullway.yaml'

export interface ReadConfig {
  readonly config: Config
  /** Where it came from. */
  readonly file: string
  readonly text: string
  /** The file on the disk; of the defaults, the one that would be read if it were there. */
  readonly path: string | undefined
}

/** --config, else PULLWAY_CONFIG (a document itself), else ./pullway.yaml, else the defaults. */
export async function readConfig(
  { config, listen }: ConfigFlags,
  { environment, folder }: ReadSurroundings,
): Promise<ReadConfig> {
  const source = await findSource(config, { environment, folder })
  const { file, text } = source
  const overridden = listen === undefined ? environment : { ...environment, PULLWAY_LISTEN: listen }
  try {
    return { config: parseConfig(text, { file, environment: overridden }), ...source }
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
  if (flag !== undefined) return readSource(folder, flag)
  const document = environment['PULLWAY_CONFIG']
  if (document !== undefined && document !== '') {
    return { file: 'PULLWAY_CONFIG', text: document, path: undefined }
  }
  try {
    return await readSource(folder, usualFile)
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
    return { file: 'defaults', text: '', path: resolve(folder, usualFile) }
  }
}

async function readSource(folder: string, file: string): Promise<Source> {
  return { file, text: await readText(folder, file), path: resolve(folder, file) }
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
