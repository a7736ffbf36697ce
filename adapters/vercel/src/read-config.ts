import { type Config, parseConfig } from '@pullway/core/config'
import type { Environment } from './services.ts'

/** PULLWAY_CONFIG (a document itself), else the one that was bundled, else the defaults. */
export function readConfig(environment: Environment, document: string | undefined): Config {
  const given = environment['PULLWAY_CONFIG']
  if (given !== undefined && given !== '') {
    return parseConfig(given, { file: 'PULLWAY_CONFIG', environment })
  }
  return parseConfig(document ?? '', { file: 'pullway.yaml', environment })
}
