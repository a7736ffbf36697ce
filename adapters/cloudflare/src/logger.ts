import type { LogFields, Logger } from '@pullway/core'
import type { Config } from '@pullway/core/config'

export interface ConsoleLoggerOptions {
  /** The least that is written; access lines always are. */
  readonly level: Config['log']['level']
  readonly write?: WriteLine
}

export type WriteLine = (method: 'log' | 'warn' | 'error', line: string) => void

type Level = Config['log']['level']

const severity: Readonly<Record<Level, number>> = { info: 0, warn: 1, error: 2 }
const methods = { info: 'log', warn: 'warn', error: 'error' } as const

/** Always JSON: Workers Logs takes its fields apart, and adds the time. */
export function createConsoleLogger({
  level: leastLevel,
  write = writeToConsole,
}: ConsoleLoggerOptions): Logger {
  function log(level: Level, message: string, fields: LogFields = {}): void {
    if (severity[level] < severity[leastLevel]) return
    // Twice: first in the line, and not to be overwritten by a field of the same name.
    const own = { level, message }
    write(methods[level], oneLine(JSON.stringify({ ...own, ...fields, ...own })))
  }

  return {
    info: (message, fields) => log('info', message, fields),
    warn: (message, fields) => log('warn', message, fields),
    error: (message, fields) => log('error', message, fields),
    access: (line) => write('log', oneLine(line)),
  }
}

const writeToConsole: WriteLine = (method, line) => {
  console[method](line)
}

/** Control and format characters come from requests: unescaped they could forge lines. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) =>
    Array.from(
      { length: character.length },
      (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`,
    ).join(''),
  )
}
