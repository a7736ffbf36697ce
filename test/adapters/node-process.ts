import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { builtInRegistries } from '@pullway/core/config'
import { runProgram } from '../../adapters/node/src/program.ts'
import type { Input } from '../../adapters/node/src/surroundings.ts'

const sources = new URL('node-sources.ts', import.meta.url).href
const cliFile = fileURLToPath(new URL('../../adapters/node/src/cli.ts', import.meta.url))
const mostMs = 15_000

export interface Cli {
  kill(signal: NodeJS.Signals): void
  output(): { readonly stdout: string; readonly stderr: string }
  /** Resolves when stdout or stderr has that text; rejects when the process ends before. */
  until(text: string): Promise<void>
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>
  /** Ends what a test has not ended. */
  [Symbol.asyncDispose](): Promise<void>
}

export interface CliOptions {
  readonly cwd: string
  readonly environment?: Readonly<Record<string, string>>
}

export interface InsideOptions extends CliOptions {
  /** What is typed or piped in. */
  readonly stdin?: Input
}

/** The real command line in a process of its own, with nothing in its environment but what is given. */
export function startCli(args: readonly string[], options: CliOptions): Cli {
  return startNode([cliFile, ...args], options)
}

/** Node on the packages' own source. */
export function startNode(args: readonly string[], { cwd, environment = {} }: CliOptions): Cli {
  const child = spawn(process.execPath, ['--import', sources, ...args], {
    cwd,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: mostMs,
    killSignal: 'SIGKILL',
  })
  const output = { stdout: '', stderr: '' }
  let hasExited = false
  let waiting: (() => void)[] = []
  const tell = (): void => {
    const told = waiting
    waiting = []
    for (const one of told) one()
  }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text
      tell()
    })
  }
  const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once('close', (code, signal) => {
      hasExited = true
      resolve({ code, signal })
      tell()
    })
  })
  return {
    kill: (signal) => void child.kill(signal),
    output: () => output,
    exited,
    async until(text) {
      while (!`${output.stdout}\n${output.stderr}`.includes(text)) {
        if (hasExited) throw new Error(`The process ended after ${JSON.stringify(output)}`)
        await new Promise<void>((resolve) => waiting.push(resolve))
      }
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** Of a process that has ended. */
export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface CliResult {
  readonly code: number | undefined
  readonly stdout: string
  readonly stderr: string
}

/** One command that ends by itself, without a process of its own. */
export async function runInside(
  args: readonly string[],
  { cwd, environment = {}, stdin = Readable.from([]) }: InsideOptions,
): Promise<CliResult> {
  const output = { stdout: '', stderr: '' }
  const code = await runProgram(args, {
    environment,
    folder: cwd,
    stdout: (text) => void (output.stdout += text),
    stderr: (text) => void (output.stderr += text),
    stdin,
  })
  return { code, ...output }
}

/** The address that a started server told. */
export async function urlOf(running: Cli): Promise<string> {
  await running.until('Pullway listens on ')
  await running.until('\n')
  const [, url = ''] = /Pullway listens on (\S+)\n/.exec(running.output().stdout) ?? []
  return url
}

export interface Folder {
  readonly path: string
  write(name: string, content: unknown): Promise<string>
  [Symbol.asyncDispose](): Promise<void>
}

export async function makeFolder(): Promise<Folder> {
  const path = await mkdtemp(join(tmpdir(), 'pullway-cli-'))
  return {
    path,
    async write(name, content) {
      const text = typeof content === 'string' ? content : JSON.stringify(content)
      await writeFile(join(path, name), text)
      return name
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}

/** Only those upstreams: the built-in ones are on a network that a test does not have. */
export function onlyUpstreams(upstreams: Readonly<Record<string, object>>): object {
  const disabled = builtInRegistries.map(({ name }) => [name, { enabled: false }] as const)
  return { ...Object.fromEntries(disabled), ...upstreams }
}
