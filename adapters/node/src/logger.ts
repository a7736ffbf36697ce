import type { Clock, LogFields, Logger } from '@pullway/core'
import { systemClock } from './clock.ts'
import { formatLog, type LogFormat, type LogLevel, oneLine } from './log-format.ts'
import { type LogWriter, writeToConsole } from './log-writer.ts'

export interface ConsoleLoggerOptions {
  readonly format: LogFormat
  /** The least that is written; access lines always are. */
  readonly level: LogLevel
  readonly clock?: Clock
  readonly write?: LogWriter
}

export interface ConsoleLogger extends Logger {
  /** Resolves when all lines so far are written. */
  flush(): Promise<void>
  /** From now on in another format, or from another level on; absent where an embedder decides that. */
  change?(settings: Pick<ConsoleLoggerOptions, 'format' | 'level'>): void
}

/** A write for each line would cost more than the answer that the line is about. */
const flushMilliseconds = 100
const flushCharacters = 64 * 1024

const severity: Readonly<Record<LogLevel, number>> = { info: 0, warn: 1, error: 2 }

/** Access lines go to stdout, all else to stderr. */
export function createConsoleLogger({
  clock = systemClock,
  write = writeToConsole,
  ...settings
}: ConsoleLoggerOptions): ConsoleLogger {
  let { format, level: leastLevel } = settings
  let forStdout = ''
  let forStderr = ''
  let isFlushDue = false
  let written: Promise<unknown> = Promise.resolve()

  function writeOut(): void {
    const work = [written]
    if (forStdout !== '') work.push(write('stdout', forStdout))
    if (forStderr !== '') work.push(write('stderr', forStderr))
    forStdout = ''
    forStderr = ''
    written = Promise.all(work)
  }

  function scheduleFlush(): void {
    if (forStdout.length + forStderr.length >= flushCharacters) writeOut()
    if (isFlushDue) return
    isFlushDue = true
    void clock.sleep(flushMilliseconds).then(() => {
      isFlushDue = false
      writeOut()
    })
  }

  function log(level: LogLevel, message: string, fields: LogFields): void {
    if (severity[level] < severity[leastLevel]) return
    forStderr += formatLog[format]({ time: new Date(clock.now()), level, message, fields }) + '\n'
    scheduleFlush()
  }

  return {
    info: (message, fields = {}) => log('info', message, fields),
    warn: (message, fields = {}) => log('warn', message, fields),
    error: (message, fields = {}) => log('error', message, fields),

    access(line) {
      forStdout += oneLine(line) + '\n'
      scheduleFlush()
    },

    change(changed) {
      format = changed.format
      leastLevel = changed.level
    },

    async flush() {
      writeOut()
      await written
    },
  }
}
