import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { processTree } from './process-tree.ts'

/** What is measured has a core to itself; the load, the upstream and this process share the other. */
export const serverCore = 0
export const loadCore = 1

export interface Server {
  readonly pid: number
  readonly url: string
  stop(): Promise<void>
}

export interface ServerOptions {
  readonly port: number
  readonly core: number
  readonly logFile: string
}

const readyWithinMs = 15_000
const stopWithinMs = 5_000
const running = new Set<ChildProcess>()

/** Resolves when the server answers at /v2/. */
export async function startServer(
  command: readonly string[],
  { port, core, logFile }: ServerOptions,
): Promise<Server> {
  const log = openSync(logFile, 'a')
  // taskset becomes the command by exec, so the child's pid is the server's own.
  const child = spawn('taskset', ['-c', String(core), ...command], {
    stdio: ['ignore', log, log],
    // nginx is where only root's PATH looks.
    env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` },
  })
  closeSync(log)
  running.add(child)
  child.once('exit', () => running.delete(child))
  const url = `http://127.0.0.1:${port}`
  await untilReady(child, url, () => `${command[0]} did not start: ${lastLines(logFile)}`)
  return { pid: child.pid ?? 0, url, stop: () => stop(child) }
}

/** For the way out that cannot wait: a failure, SIGINT. nginx's workers outlive a killed master. */
export function killAllServers(): void {
  const pids = [...running].flatMap((child) => processTree(child.pid ?? 0))
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // it has ended on its own
    }
  }
}

export function pinThisProcess(core: number): void {
  const pinned = spawnSync('taskset', ['-acp', String(core), String(process.pid)])
  if (pinned.status !== 0) throw new Error('taskset failed: the bench needs Linux and two cores')
}

export async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  listener.close()
  await once(listener, 'close')
  return port
}

async function untilReady(child: ChildProcess, url: string, mistake: () => string): Promise<void> {
  const deadline = Date.now() + readyWithinMs
  while (Date.now() < deadline && child.exitCode === null && child.signalCode === null) {
    const answer = await fetch(`${url}/v2/`, { signal: AbortSignal.timeout(2_000) }).catch(
      () => null,
    )
    await answer?.body?.cancel()
    if (answer?.ok) return
    await sleep(50)
  }
  await stop(child)
  throw new Error(mistake())
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const tree = processTree(child.pid ?? 0)
  const late = setTimeout(() => tree.forEach((pid) => process.kill(pid, 'SIGKILL')), stopWithinMs)
  child.kill('SIGTERM')
  await once(child, 'exit')
  clearTimeout(late)
}

function lastLines(file: string): string {
  return readFileSync(file, 'utf8').trim().split('\n').slice(-3).join(' | ')
}
