import { ConfigError, parseConfig } from '@pullway/core/config'
import type { Environment } from '@pullway/core/config'

/** What is wrong with a document; anything thrown but a ConfigError fails the test. */
export function mistakesOf(text: string, environment: Environment = {}): ConfigError['mistakes'] {
  try {
    parseConfig(text, { file: 'pullway.yaml', environment })
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes
    throw error
  }
  return []
}
