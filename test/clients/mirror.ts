import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { makeFolder } from './folder.ts'
import { findFreePort } from './port.ts'
import { startService, type Service } from './process.ts'

export interface MirrorOptions {
  /** Registry name to its endpoint: a URL, or one with credentials. */
  readonly upstreams: Readonly<Record<string, string | Endpoint>>
  /** The cache folder, when another mirror shares it or had it before. */
  readonly cache?: string
  /** More of the configuration. */
  readonly settings?: Readonly<Record<string, unknown>>
}

interface Endpoint {
  readonly url: string
  readonly username: string
  readonly password: string
}

export interface Mirror extends Service {
  readonly url: string
  /** As a registry's host in an image's name. */
  readonly host: string
}

const cli = fileURLToPath(new URL('../../adapters/node/dist/cli.js', import.meta.url))

/** Pullway as a person starts it, from a config file. */
export async function startMirror({
  upstreams,
  cache,
  settings = {},
}: MirrorOptions): Promise<Mirror> {
  const folder = await makeFolder('mirror')
  const port = await findFreePort()
  const url = `http://127.0.0.1:${port}`
  const configFile = `${folder.path}/pullway.yaml`
  const config = formatConfig(port, upstreams, cache ?? `${folder.path}/cache`)
  // JSON is YAML too.
  await writeFile(configFile, JSON.stringify({ ...config, ...settings }))
  const isReady = async (): Promise<boolean> => {
    const answer = await fetch(`${url}/readyz`).catch(() => undefined)
    await answer?.body?.cancel()
    return answer?.ok === true
  }
  const args = [cli, 'serve', '--config', configFile]
  const service = await startService(`pullway :${port}`, process.execPath, args, isReady)
  return {
    ...service,
    url,
    host: `127.0.0.1:${port}`,
    stop: async () => {
      await service.stop()
      await folder.remove()
    },
  }
}

function formatConfig(port: number, upstreams: MirrorOptions['upstreams'], cache: string): object {
  const entries = Object.entries(upstreams).map(([name, endpoint]) => [
    name,
    {
      endpoints: [typeof endpoint === 'string' ? { url: endpoint } : endpoint],
      trustedHosts: ['127.0.0.1'],
    },
  ])
  return {
    listen: `127.0.0.1:${port}`,
    upstreams: Object.fromEntries(entries) as object,
    // A download that a test holds has not stalled.
    timeouts: { idle: '2m' },
    // Every tag is asked for again, so that a warm pull and one without upstream are not just fresh.
    cache: { blobs: { driver: 'filesystem', path: cache }, tags: { freshFor: '0s' } },
  }
}
