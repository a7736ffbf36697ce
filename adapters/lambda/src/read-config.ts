import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Config, type Environment, parseConfig } from '@pullway/core/config'

const bundledFile = 'pullway.yaml'

/** PULLWAY_CONFIG (a document itself), else pullway.yaml beside the function's code, else the defaults. */
export function readConfig(environment: Environment): Config {
  const document = environment['PULLWAY_CONFIG']
  if (document !== undefined && document !== '') {
    return parseConfig(document, { file: 'PULLWAY_CONFIG', environment })
  }
  const text = readBundled(environment['LAMBDA_TASK_ROOT'] ?? '.')
  return parseConfig(text ?? '', {
    file: text === undefined ? 'defaults' : bundledFile,
    environment,
  })
}

function readBundled(folder: string): string | undefined {
  try {
    return readFileSync(join(folder, bundledFile), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
