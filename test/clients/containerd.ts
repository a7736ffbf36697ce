import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder } from './folder.ts'
import { isSocket } from './port.ts'
import { attempt, run, startService, type Outcome } from './process.ts'
import { walkStored, type Client } from './stored.ts'

export interface Containerd extends Client {
  readonly socket: string
  tryPull(image: string, login?: string): Promise<Outcome>
}

/** The registries, by the name in front of an image, that hosts.toml files send to a mirror. */
export type HostsToml = Readonly<Record<string, string>>

export async function startContainerd(hosts: HostsToml = {}): Promise<Containerd> {
  const folder = await makeFolder('ctd')
  const socket = `${folder.path}/ctd.sock`
  const configFile = `${folder.path}/config.toml`
  await writeFile(configFile, configure(folder.path, socket))
  await writeHosts(`${folder.path}/hosts`, hosts)
  const service = await startService('containerd', 'containerd', ['--config', configFile], () =>
    isSocket(socket),
  )
  const pullArgs = (image: string, login?: string): string[] => [
    ...['--address', socket, 'images', 'pull', '--hosts-dir', `${folder.path}/hosts`],
    ...['--snapshotter', 'native', ...(login === undefined ? [] : ['--user', login]), image],
  ]
  const ctr = (...args: string[]): Promise<string> => run('ctr', ['--address', socket, ...args])
  const contents = `${folder.path}/root/io.containerd.content.v1.content/blobs`

  return {
    socket,
    pull: async (image) => {
      await run('ctr', pullArgs(image))
      const digest = (await ctr('images', 'ls', `name==${image}`)).match(/sha256:[0-9a-f]{64}/)?.[0]
      if (!digest) throw new Error(`ctr does not list ${image}`)
      return walkStored(digest, (one) => readFile(join(contents, one.replace(':', '/'))))
    },
    tryPull: (image, login) => attempt('ctr', pullArgs(image, login)),
    forget: async () => {
      const images = (await ctr('images', 'ls', '--quiet')).split('\n').filter(Boolean)
      if (images.length > 0) await ctr('images', 'rm', '--sync', ...images)
    },
    stop: async () => {
      await service.stop()
      await folder.remove()
    },
  }
}

async function writeHosts(folder: string, hosts: HostsToml): Promise<void> {
  for (const [registry, mirror] of Object.entries(hosts)) {
    await mkdir(join(folder, registry), { recursive: true })
    const text = `[host."${mirror}"]\n  capabilities = ["pull", "resolve"]\n`
    await writeFile(join(folder, registry, 'hosts.toml'), text)
  }
}

function configure(folder: string, socket: string): string {
  return `
version = 2
root = "${folder}/root"
state = "${folder}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "${socket}"
[debug]
  level = "warn"
`
}
