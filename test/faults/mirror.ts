import { createHash, randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { attempt, type Outcome, type Service, startService } from '../clients/process.ts'
import type { Content, Image } from '../fakes/registry/index.ts'

const cli = fileURLToPath(new URL('../../adapters/node/dist/cli.js', import.meta.url))

export interface FaultMirror extends Service {
  readonly url: string
}

export interface FaultMirrorOptions {
  /** For its configuration. */
  readonly folder: string
  readonly cache: string
  readonly upstream: string
  readonly maxSize?: string
  /** Open files and sockets. */
  readonly maxFiles?: number
}

/** `pullway serve`, as built. */
export async function startFaultMirror(options: FaultMirrorOptions): Promise<FaultMirror> {
  const { folder, maxFiles } = options
  const config = join(folder, `${randomUUID()}.yaml`)
  await writeFile(config, formatConfig(options))
  const node = [process.execPath, cli, 'serve', '--config', config]
  const limit = ['prlimit', `--nofile=${maxFiles}`]
  const [command = '', ...args] = maxFiles === undefined ? node : [...limit, ...node]
  const service = await startService('pullway', command, args, (log) => listens.test(log))
  return { ...service, url: listens.exec(service.log())?.[1] ?? '' }
}

const listens = /^Pullway listens on (http:\S+)$/m

/** `pullway cache …` on the same folder. */
export async function runCache(
  options: FaultMirrorOptions,
  ...args: readonly string[]
): Promise<Outcome> {
  const config = join(options.folder, 'cache.yaml')
  await writeFile(config, formatConfig(options))
  return attempt(process.execPath, [cli, 'cache', ...args, '--config', config])
}

function formatConfig({ cache, upstream, maxSize }: FaultMirrorOptions): string {
  return JSON.stringify({
    listen: '127.0.0.1:0',
    upstreams: { 'registry.test': { default: true, endpoints: [{ url: upstream }] } },
    cache: { blobs: { path: cache, ...(maxSize !== undefined && { maxSize }) } },
  })
}

const patienceMs = 30_000

/**
 * What came: the status, and whether the bytes are those of the content, `cut` where they broke off. On a
 * connection of its own, so that nothing of a client is left at the mirror.
 */
function get(url: string, content: Content): Promise<string> {
  return new Promise((resolve) => {
    const options = { agent: false, headers: { accept: '*/*' }, timeout: patienceMs }
    const asked = request(url, options, (answer) => {
      const hash = createHash('sha256')
      answer.on('data', (chunk: Buffer) => hash.update(chunk))
      answer.on('error', () => resolve('cut'))
      answer.on('end', () => {
        const status = answer.statusCode ?? 0
        const isRight = status !== 200 || `sha256:${hash.digest('hex')}` === content.digest
        resolve(`${status}${isRight ? '' : ' wrong bytes'}`)
      })
    })
    asked.on('timeout', () => {
      resolve('silence')
      asked.destroy()
    })
    asked.on('error', () => resolve('cut'))
    asked.end()
  })
}

/** All of an image, as a client takes it: the answers, each once. */
export async function pull(
  { url }: FaultMirror,
  repository: string,
  { root, blobs }: Image,
  tag = 'latest',
): Promise<readonly string[]> {
  const base = `${url}/v2/${repository}`
  const manifest = await get(`${base}/manifests/${tag}`, root)
  const answers = await Promise.all(blobs.map((blob) => get(`${base}/blobs/${blob.digest}`, blob)))
  return [...new Set([manifest, ...answers])].sort()
}
