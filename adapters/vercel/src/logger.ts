import type { LogFields, Logger } from '@pullway/core'
import type { Config } from '@pullway/core/config'

/** The part of the global `console` that Vercel's log is fed by. */
export type Console = Record<'log' | 'warn' | 'error', (line: string) => void>

type Level = Config['log']['level']

const severity: Readonly<Record<Level, number>> = { info: 0, warn: 1, error: 2 }

/** Vercel's log takes its level from the method, and adds the time itself. */
const methods: Readonly<Record<Level, keyof Console>> = {
  info: 'log',
  warn: 'warn',
  error: 'error',
}

export function createConsoleLogger({
  format,
  level: leastLevel,
  console,
}: Config['log'] & { readonly console: Console }): Logger {
  function log(level: Level, message: string, fields: LogFields = {}): void {
    if (severity[level] < severity[leastLevel]) return
    console[methods[level]](oneLine(formats[format](level, message, fields)))
  }
  return {
    info: (message, fields) => log('info', message, fields),
    warn: (message, fields) => log('warn', message, fields),
    error: (message, fields) => log('error', message, fields),
    access: (line) => console.log(oneLine(line)),
  }
}

const formats: Readonly<
  Record<Config['log']['format'], (level: Level, message: string, fields: LogFields) => string>
> = {
  main(level, message, fields) {
    const pairs = Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => ` ${key}=${JSON.stringify(value)}`)
    return `${level} ${message}${pairs.join('')}`
  },
  json(level, message, fields) {
    const own = { level, message }
    // Twice: first in the line, and not to be overwritten by a field of the same name.
    return JSON.stringify({ ...own, ...fields, ...own })
  },
}

/** Line ends and terminal sequences come from requests and upstreams: unescaped they could forge lines. */
function oneLine(text: string): string {
  return text.replace(
    /[\p{Cc}\u2028\u2029]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
