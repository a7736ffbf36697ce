import process from 'node:process'

export type LogWriter = (target: 'stdout' | 'stderr', text: string) => Promise<void>

export const writeToConsole: LogWriter = (target, text) => {
  const stream = process[target]
  // A reader of the log that has gone away must not end the mirror.
  if (!stream.listeners('error').includes(ignore)) stream.on('error', ignore)
  return new Promise((resolve) => stream.write(text, () => resolve()))
}

function ignore(): void {
  // The write's callback has been told already.
}
