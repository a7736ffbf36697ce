import type { Config } from '../../../core/src/config/config.ts'
import { parseConfig } from '../../../core/src/config/parse.ts'

export function configOf(yaml: string): Config {
  return parseConfig(yaml, { file: 'pullway.yaml', environment: {} })
}
