import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findFreePort } from '../clients/port.ts'
import { type Service, startService } from '../clients/process.ts'
import type { Hosts } from './hosts.ts'

const cli = fileURLToPath(new URL('../../adapters/node/dist/cli.js', import.meta.url))

export interface Server extends Service {
  readonly url: string
  /** As a registry's host in an image's name. */
  readonly host: string
}

export interface ServerOptions {
  /** For its configuration. */
  readonly folder: string
  readonly config: object
  readonly port?: number | undefined
  readonly env?: Readonly<Record<string, string>>
  readonly hosts?: Hosts
}

/** `pullway serve`, as built. */
export async function startFaultServer(options: ServerOptions): Promise<Server> {
  const { folder, config, env = {}, hosts } = options
  const port = options.port ?? (await findFreePort())
  const file = join(folder, `${port}.yaml`)
  // JSON is YAML too.
  await writeFile(file, JSON.stringify({ ...config, listen: `127.0.0.1:${port}` }))
  const url = `http://127.0.0.1:${port}`
  // Not /readyz, which a disk in trouble fails.
  const isReady = async (): Promise<boolean> => {
    const answer = await fetch(`${url}/healthz`).catch(() => undefined)
    return (await answer?.text()) === 'ok\n'
  }
  const serve = [process.execPath, cli, 'serve', '--config', file]
  const [command = '', ...args] = hosts ? [...behind(hosts), ...serve] : serve
  const service = await startService(`pullway :${port}`, command, args, isReady, env)
  return { ...service, url, host: `127.0.0.1:${port}` }
}

/** A mount namespace, in which /etc/hosts and /etc/resolv.conf are ours. */
function behind({ file, resolverFile }: Hosts): readonly string[] {
  const mounts =
    'mount --bind "$1" /etc/hosts && mount --bind "$2" /etc/resolv.conf && shift 2 && exec "$@"'
  return ['unshare', '--mount', '--', 'sh', '-c', mounts, 'sh', file, resolverFile]
}
