import { spawn } from 'node:child_process'

export interface ProgramResult {
  readonly code: number | null
  /** Both streams, as they came. */
  readonly output: string
  /** Of stdout alone. */
  readonly lastLine: string
}

export interface ProgramOptions {
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** Sent once, when the program has written something. */
  readonly signal?: NodeJS.Signals
}

/** Runs a program to its end, 15 seconds at most, without a terminal. */
export function runProgram(
  file: string,
  parameters: readonly string[],
  { environment, signal }: ProgramOptions = {},
): Promise<ProgramResult> {
  const child = spawn(file, parameters, {
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 15_000,
    killSignal: 'SIGKILL',
  })
  let output = ''
  let standardOutput = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    standardOutput += text
  })
  if (signal !== undefined) child.stdout.once('data', () => child.kill(signal))
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      const lastLine = standardOutput.trimEnd().split('\n').at(-1) ?? ''
      resolve({ code, output, lastLine })
    })
  })
}
