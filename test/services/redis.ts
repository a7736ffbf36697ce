import { makeFolder } from '../clients/folder.ts'
import { findFreePort } from '../clients/port.ts'
import { attempt, run, startService } from '../clients/process.ts'

export interface RedisServer {
  readonly port: number
  readonly url: string
  /** Starts it where it was, as empty as the first time. */
  start(): Promise<void>
  kill(): Promise<void>
  /** It still takes connections, and answers none until it goes on. */
  pause(): void
  goOn(): void
  command(...args: readonly string[]): Promise<string>
  remove(): Promise<void>
}

/** A real redis-server that keeps nothing on the disk, with more settings where a test needs some. */
export async function startRedis(settings: readonly string[] = []): Promise<RedisServer> {
  const folder = await makeFolder('redis')
  const port = await findFreePort()
  const quiet = ['--save', '', '--appendonly', 'no', '--dir', folder.path]
  const isTls = settings.includes('--tls-cert-file')
  const listen = isTls ? ['--port', '0', '--tls-port', String(port)] : ['--port', String(port)]
  const cli = ['-h', '127.0.0.1', '-p', String(port), ...(isTls ? ['--tls', '--insecure'] : [])]

  const launch = () =>
    startService(
      'redis-server',
      'redis-server',
      ['--bind', '127.0.0.1', ...listen, ...quiet, ...settings],
      async () => /PONG|NOAUTH/.test((await attempt('redis-cli', [...cli, 'ping'])).stdout),
    )
  let service = await launch()

  const kill = async (): Promise<void> => {
    service.signal('SIGKILL')
    await service.exited
  }

  return {
    port,
    url: `${isTls ? 'rediss' : 'redis'}://127.0.0.1:${port}`,
    start: async () => void (service = await launch()),
    kill,
    pause: () => service.signal('SIGSTOP'),
    goOn: () => service.signal('SIGCONT'),
    command: (...args) => run('redis-cli', [...cli, ...args]),
    async remove() {
      await kill()
      await folder.remove()
    },
  }
}
