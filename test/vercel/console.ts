import type { Console } from '../../adapters/vercel/src/logger.ts'

export interface FakeConsole extends Console {
  lines(method: keyof Console): readonly string[]
}

/** Keeps what it is given. */
export function createFakeConsole(): FakeConsole {
  const kept: Readonly<Record<keyof Console, string[]>> = { log: [], warn: [], error: [] }
  return {
    log: (line) => void kept.log.push(line),
    warn: (line) => void kept.warn.push(line),
    error: (line) => void kept.error.push(line),
    lines: (method) => kept[method],
  }
}
