import { readFile, rm, writeFile } from 'node:fs/promises'
import { toDigest } from './digest.ts'
import { makeFolder } from './folder.ts'
import { attempt, run, type Outcome, type RunOptions } from './process.ts'
import { formatRegistries, type Mirrors } from './registries-conf.ts'
import { walkStored, type Client, type Stored } from './stored.ts'

export interface Skopeo extends Client {
  tryPull(image: string): Promise<Outcome>
  /** What was pulled last, to another name. */
  push(image: string): Promise<Outcome>
  login(host: string, username: string, password: string): Promise<Outcome>
  logout(host: string): Promise<void>
  /** `skopeo inspect`, parsed. */
  inspect(image: string): Promise<{ readonly Digest: string; readonly Layers: readonly string[] }>
  listTags(repository: string): Promise<readonly string[]>
}

export interface SkopeoOptions {
  readonly mirrors?: Mirrors
  /** What it copies to. */
  readonly transport?: 'dir' | 'oci'
  /** `copy --all`: every platform of an index. */
  readonly all?: boolean
}

export async function createSkopeo(settings: SkopeoOptions = {}): Promise<Skopeo> {
  const { mirrors = {}, transport = 'dir', all = false } = settings
  const folder = await makeFolder('skopeo')
  const registriesFile = `${folder.path}/registries.conf`
  await writeFile(registriesFile, formatRegistries(mirrors))
  const env = { REGISTRY_AUTH_FILE: `${folder.path}/auth.json`, HOME: folder.path }
  const options: RunOptions = { env: { ...env, TMPDIR: folder.path } }
  const copies: string[] = []
  const common = ['--insecure-policy', '--registries-conf', registriesFile]
  const copyArgs = (image: string, destination: string): string[] => {
    copies.push(destination)
    const flags = ['--quiet', '--src-tls-verify=false', ...(all ? ['--all'] : [])]
    return [...common, 'copy', ...flags, `docker://${image}`, `${transport}:${destination}`]
  }
  const nextDestination = (): string => `${folder.path}/copy-${copies.length}`
  const skopeo = (...args: string[]): Promise<string> =>
    run('skopeo', [...common, ...args], options)

  return {
    pull: async (image) => {
      const destination = nextDestination()
      await run('skopeo', copyArgs(image, destination), options)
      return readers[transport](destination, all)
    },
    tryPull: (image) => attempt('skopeo', copyArgs(image, nextDestination()), options),
    inspect: async (image) =>
      JSON.parse(await skopeo('inspect', '--tls-verify=false', `docker://${image}`)) as {
        Digest: string
        Layers: string[]
      },
    listTags: async (repository) => {
      const text = await skopeo('list-tags', '--tls-verify=false', `docker://${repository}`)
      return (JSON.parse(text) as { Tags: string[] }).Tags
    },
    push: (image) =>
      attempt(
        'skopeo',
        [
          ...common,
          ...['copy', '--quiet', '--dest-tls-verify=false'],
          ...[`${transport}:${copies.at(-1) ?? ''}`, `docker://${image}`],
        ],
        options,
      ),
    login: (host, username, password) =>
      attempt(
        'skopeo',
        ['login', '--tls-verify=false', '--username', username, '--password', password, host],
        options,
      ),
    logout: async (host) => {
      await run('skopeo', ['logout', host], options)
    },
    forget: async () => {
      for (const copy of copies) await rm(copy, { recursive: true, force: true })
    },
    stop: () => folder.remove(),
  }
}

const readers = { dir: readDir, oci: readOci }

// `dir:` holds the top manifest as manifest.json, the others as <hex>.manifest.json, blobs as <hex>.
async function readDir(folder: string, all: boolean): Promise<Stored> {
  const top = await readFile(`${folder}/manifest.json`)
  const digest = toDigest(top)
  return walkStored(
    digest,
    async (one) => {
      if (one === digest) return top
      const file = `${folder}/${one.replace('sha256:', '')}`
      return readFile(file).catch(() => readFile(`${file}.manifest.json`))
    },
    all,
  )
}

async function readOci(folder: string, all: boolean): Promise<Stored> {
  const index = JSON.parse(await readFile(`${folder}/index.json`, 'utf8')) as {
    readonly manifests: readonly { readonly digest: string }[]
  }
  const digest = index.manifests[0]?.digest ?? 'nothing in index.json'
  return walkStored(digest, (one) => readFile(`${folder}/blobs/${one.replace(':', '/')}`), all)
}
