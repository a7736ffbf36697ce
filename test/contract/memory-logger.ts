import type { LogFields, Logger } from '@pullway/core'

export interface MemoryLogger extends Logger {
  readonly entries: readonly { level: string; message: string; fields: LogFields }[]
}

export function createMemoryLogger(): MemoryLogger {
  const entries: { level: string; message: string; fields: LogFields }[] = []
  const at =
    (level: string) =>
    (message: string, fields: LogFields = {}): void => {
      entries.push({ level, message, fields })
    }
  return { entries, info: at('info'), warn: at('warn'), error: at('error'), access: at('access') }
}
