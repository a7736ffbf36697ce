import type { LogFields } from '@pullway/core'

export type LogFormat = 'main' | 'json'

export type LogLevel = 'info' | 'warn' | 'error'

export interface LogEntry {
  readonly time: Date
  readonly level: LogLevel
  readonly message: string
  readonly fields: LogFields
}

export const formatLog: Readonly<Record<LogFormat, (entry: LogEntry) => string>> = {
  main({ time, level, message, fields }) {
    const pairs = Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => ` ${key}=${quoteIfNeeded(String(value))}`)
    return oneLine(`${time.toISOString()} ${level} ${message}${pairs.join('')}`)
  },

  json({ time, level, message, fields }) {
    const own = { time: time.toISOString(), level, message }
    // Twice: first in the line, and not to be overwritten by a field of the same name.
    return oneLine(JSON.stringify({ ...own, ...fields, ...own }))
  },
}

/**
 * Control and format characters (line ends, terminal sequences, reversed writing) come from requests and
 * upstreams: unescaped they could forge lines. The form is JSON's, so that JSON stays JSON.
 */
export function oneLine(text: string): string {
  return plain.test(text) ? text : text.replaceAll(unprintable, escape)
}

const plain = /^[\x20-\x7e]*$/
const unprintable = /[\p{Cc}\p{Cf}\u2028\u2029]/gu

function escape(character: string): string {
  return Array.from(
    { length: character.length },
    (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`,
  ).join('')
}

function quoteIfNeeded(value: string): string {
  return /^[^\s"=\\]+$/.test(value) ? value : JSON.stringify(value)
}
