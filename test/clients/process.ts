import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'

export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  readonly seconds: number
}

export interface Service {
  readonly pid: number
  log(): string
  /** The exit code, or null when a signal ended it. */
  readonly exited: Promise<number | null>
  signal(name: NodeJS.Signals): void
  /** SIGTERM, and SIGKILL when that does not help within ten seconds. */
  stop(): Promise<void>
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly timeoutMs?: number
}

const started: { readonly name: string; readonly log: () => string }[] = []

/** Runs a command to its end, however it ends. */
export async function attempt(
  command: string,
  args: readonly string[],
  { env = {}, timeoutMs = 60_000 }: RunOptions = {},
): Promise<Outcome> {
  const begin = performance.now()
  const child = spawnBound(command, args, env)
  const stdout = collect(child.stdout)
  const stderr = collect(child.stderr)
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
  const [code] = (await once(child, 'close')) as [number | null]
  clearTimeout(timer)
  const seconds = (performance.now() - begin) / 1000
  return { code, stdout: stdout(), stderr: stderr(), seconds }
}

/** Runs a command that must succeed, and gives its standard output. */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { code, stdout, stderr, seconds } = await attempt(command, args, options)
  if (code === 0) return stdout
  const line = [command, ...args].join(' ')
  throw new Error(`exit ${code} after ${seconds.toFixed(1)} s: ${line}\n${stdout}${stderr}`)
}

export async function startService(
  name: string,
  command: string,
  args: readonly string[],
  isReady: (log: string) => boolean | Promise<boolean>,
  env: Readonly<Record<string, string>> = {},
): Promise<Service> {
  const child = spawnBound(command, args, env)
  const stdout = collect(child.stdout)
  const stderr = collect(child.stderr)
  const log = (): string => stdout() + stderr()
  started.push({ name, log })
  const exited = once(child, 'close').then(([code]) => code as number | null)
  const service: Service = {
    pid: child.pid ?? 0,
    log,
    exited,
    signal: (signal) => void child.kill(signal),
    stop: () => stop(child, exited),
  }
  await until(`${name} is ready`, async () => {
    if (hasEnded(child)) throw new Error(`${name} ended at its start:\n${log()}`)
    return isReady(log())
  }).catch(async (error: unknown) => {
    await service.stop()
    throw error
  })
  return service
}

/** Resolves when the condition holds; rejects when it does not within the time. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 20_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** The ends of all logs of this test file's services, for a test that failed. */
export function logTails(lines = 30): string {
  return started
    .map(({ name, log }) => `--- ${name}\n${log().trimEnd().split('\n').slice(-lines).join('\n')}`)
    .join('\n')
}

// setpriv stays the same process (it execs) and has the kernel end it when this test process dies.
function spawnBound(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): ChildProcess {
  return spawn('setpriv', ['--pdeathsig', 'KILL', command, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: tmpdir(),
    env: {
      PATH: `${process.env.PATH}:/usr/sbin:/sbin`,
      LANG: 'C.UTF-8',
      // Nothing here speaks https: a client that tries a real registry is refused at once.
      HTTPS_PROXY: 'http://127.0.0.1:1',
      ...env,
    },
  })
}

async function stop(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  if (!hasEnded(child)) child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await exited
  clearTimeout(timer)
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

function collect(stream: NodeJS.ReadableStream | null): () => string {
  const chunks: Buffer[] = []
  stream?.on('data', (chunk: Buffer) => chunks.push(chunk))
  return () => Buffer.concat(chunks).toString()
}
