import { writeFile } from 'node:fs/promises'
import { makeFolder } from './folder.ts'
import { attempt, run, type Outcome, type RunOptions } from './process.ts'
import { formatRegistries, type Mirrors } from './registries-conf.ts'
import type { Client, Stored } from './stored.ts'

export interface Podman extends Client {
  tryPull(image: string): Promise<Outcome>
  /** An image that is here, under another name. */
  push(image: string, name: string): Promise<Outcome>
  login(host: string, username: string, password: string): Promise<Outcome>
  logout(host: string): Promise<void>
}

interface Inspected {
  readonly Id: string
  readonly RepoDigests: readonly string[]
  readonly RootFS: { readonly Layers: readonly string[] }
}

export async function createPodman(mirrors: Mirrors = {}): Promise<Podman> {
  const folder = await makeFolder('podman')
  const registriesFile = `${folder.path}/registries.conf`
  await writeFile(registriesFile, formatRegistries(mirrors))
  await writeFile(`${folder.path}/auth.json`, '{}')
  const options: RunOptions = {
    env: {
      CONTAINERS_REGISTRIES_CONF: registriesFile,
      REGISTRY_AUTH_FILE: `${folder.path}/auth.json`,
      HOME: folder.path,
      TMPDIR: folder.path,
    },
  }
  const store = ['--root', `${folder.path}/root`, '--runroot', `${folder.path}/run`]
  const common = [...store, '--storage-driver', 'vfs', '--tmpdir', `${folder.path}/tmp`]
  const podman = (...args: string[]): Promise<string> =>
    run('podman', [...common, ...args], options)
  const pullArgs = (image: string): string[] => ['pull', '--quiet', '--tls-verify=false', image]

  return {
    pull: async (image) => {
      await podman(...pullArgs(image))
      const [inspected] = JSON.parse(await podman('image', 'inspect', image)) as [Inspected]
      return toStored(inspected)
    },
    tryPull: (image) => attempt('podman', [...common, ...pullArgs(image)], options),
    push: (image, name) =>
      attempt('podman', [...common, 'push', '--tls-verify=false', image, name], options),
    login: (host, username, password) =>
      attempt(
        'podman',
        [
          ...common,
          'login',
          '--tls-verify=false',
          '--username',
          username,
          '--password',
          password,
          host,
        ],
        options,
      ),
    logout: async (host) => {
      await run('podman', [...common, 'logout', host], options)
    },
    forget: async () => {
      await podman('image', 'rm', '--all', '--force')
    },
    stop: () => folder.remove(),
  }
}

function toStored({ Id, RepoDigests, RootFS }: Inspected): Stored {
  return {
    digests: RepoDigests.map((name) => name.slice(name.indexOf('@') + 1)),
    id: `sha256:${Id}`,
    diffIds: RootFS.Layers,
  }
}
