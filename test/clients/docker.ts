import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { startContainerd } from './containerd.ts'
import { makeFolder } from './folder.ts'
import { attempt, run, startService, type Outcome, type RunOptions } from './process.ts'
import type { Client, Stored } from './stored.ts'

export interface Docker extends Client {
  /** As `pull`, for what may fail. */
  tryPull(image: string): Promise<Outcome>
  /** An image that is here, under another name. */
  push(image: string, name: string): Promise<Outcome>
  login(host: string, username: string, password: string): Promise<Outcome>
  logout(host: string): Promise<void>
  /** The person's config.json. */
  config(): Promise<string>
}

export interface DockerOptions {
  readonly registryMirrors?: readonly string[]
  /** Docker Hub's login in the person's config.json. */
  readonly hubLogin?: { readonly username: string; readonly password: string }
}

interface Inspected {
  readonly Id: string
  readonly RepoDigests: readonly string[]
  readonly RootFS: { readonly Layers: readonly string[] }
}

/** A dockerd of its own, with the graphdriver store and without any network of containers. */
export async function startDocker({
  registryMirrors = [],
  hubLogin,
}: DockerOptions = {}): Promise<Docker> {
  const folder = await makeFolder('docker')
  const socket = `unix://${folder.path}/docker.sock`
  const daemonFile = `${folder.path}/daemon.json`
  await writeFile(daemonFile, JSON.stringify({ 'registry-mirrors': registryMirrors }))
  const auth = Buffer.from(`${hubLogin?.username}:${hubLogin?.password}`).toString('base64')
  const auths = hubLogin ? { 'https://index.docker.io/v1/': { auth } } : {}
  await mkdir(`${folder.path}/config`)
  await writeFile(`${folder.path}/config/config.json`, JSON.stringify({ auths }))

  const options: RunOptions = { env: { DOCKER_CONFIG: `${folder.path}/config` } }
  const docker = (...args: string[]): Promise<string> =>
    run('docker', ['--host', socket, ...args], options)
  const isReady = async (): Promise<boolean> =>
    (await attempt('docker', ['--host', socket, 'version'], options)).code === 0
  const loginArgs = (host: string, username: string, password: string): string[] => [
    ...['--host', socket, 'login', '--username', username, '--password', password, host],
  ]
  const containerd = await startContainerd()
  const daemon = await startService(
    'dockerd',
    'dockerd',
    ['--config-file', daemonFile, '--host', socket, '--containerd', containerd.socket].concat(
      ['--data-root', `${folder.path}/data`, '--exec-root', `${folder.path}/exec`],
      ['--pidfile', `${folder.path}/pid`, '--storage-driver', 'vfs', '--bridge', 'none'],
      ['--iptables=false', '--ip6tables=false', '--ip-forward=false', '--ip-masq=false'],
    ),
    isReady,
  )

  return {
    pull: async (image) => {
      await docker('pull', '--quiet', image)
      const [inspected] = JSON.parse(await docker('image', 'inspect', image)) as [Inspected]
      return toStored(inspected)
    },
    tryPull: (image) => attempt('docker', ['--host', socket, 'pull', image], options),
    push: async (image, name) => {
      await docker('tag', image, name)
      return attempt('docker', ['--host', socket, 'push', name], options)
    },
    login: (host, username, password) =>
      attempt('docker', loginArgs(host, username, password), options),
    logout: async (host) => {
      await docker('logout', host)
    },
    config: () => readFile(`${folder.path}/config/config.json`, 'utf8'),
    forget: async () => {
      const ids = (await docker('image', 'ls', '--quiet', '--no-trunc')).trim().split('\n')
      if (ids[0]) await docker('image', 'rm', '--force', ...new Set(ids))
    },
    stop: async () => {
      await daemon.stop()
      await containerd.stop()
      await folder.remove()
    },
  }
}

function toStored({ Id, RepoDigests, RootFS }: Inspected): Stored {
  return {
    digests: RepoDigests.map((name) => name.slice(name.indexOf('@') + 1)),
    id: Id,
    diffIds: RootFS.Layers,
  }
}
