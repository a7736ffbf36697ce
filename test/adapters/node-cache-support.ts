import { createHash } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parseConfig } from '@pullway/core/config'
import { startServer, type RunningServer } from '@pullway/node'
import type { Image } from '../fakes/registry/index.ts'
import { startLoopbackRegistry, type LoopbackRegistry } from '../platforms/loopback-registry.ts'
import {
  type CliResult,
  type Folder,
  makeFolder,
  onlyUpstreams,
  runInside,
} from './node-process.ts'
import { createRecordingLogger } from './node-support.ts'

/** A mirror on files in front of a registry on loopback, and the command line on the same folder. */
export interface CacheWorld {
  readonly upstream: LoopbackRegistry
  readonly folder: Folder
  /** Of the cache. */
  readonly path: string
  readonly server: RunningServer
  readonly logged: () => readonly string[]
  /** Pulls all of an image as a client does; true when every byte is right. */
  pull(name: string, reference: string, image: Image): Promise<boolean>
  run(...args: readonly string[]): Promise<CliResult>
  fileOf(digest: string): string
  [Symbol.asyncDispose](): Promise<void>
}

export interface CacheWorldOptions {
  readonly maxSize?: string
  readonly tags?: object
}

export async function createCacheWorld(options: CacheWorldOptions = {}): Promise<CacheWorld> {
  const upstream = await startLoopbackRegistry()
  const folder = await makeFolder()
  const path = join(folder.path, 'data')
  const { maxSize, tags = {} } = options
  await folder.write('pullway.yaml', {
    listen: '127.0.0.1:0',
    upstreams: onlyUpstreams({
      'registry.test': {
        default: true,
        aliases: ['ours'],
        endpoints: [{ url: upstream.url }],
        trustedHosts: [upstream.otherHost],
      },
    }),
    cache: { blobs: { path, ...(maxSize !== undefined && { maxSize }) }, tags },
  })
  const text = await readFile(join(folder.path, 'pullway.yaml'), 'utf8')
  const recording = createRecordingLogger()
  const logger = { ...recording, flush: () => Promise.resolve() }
  const config = parseConfig(text, { file: 'pullway.yaml', environment: {} })
  const server = await startServer(config, { logger })

  return {
    upstream,
    folder,
    path,
    server,
    logged: () =>
      recording.records.filter(({ level }) => level !== 'access').map(({ message }) => message),
    async pull(name, reference, image) {
      const get = async (kind: string, what: string): Promise<string> => {
        const url = `${server.url}/v2/${name}/${kind}/${what}`
        const answer = await fetch(url, { headers: { accept: '*/*' } })
        const bytes = new Uint8Array(await answer.arrayBuffer())
        return `${answer.status} sha256:${createHash('sha256').update(bytes).digest('hex')}`
      }
      const { root, manifests, blobs } = image
      const answers = [
        [await get('manifests', reference), root.digest],
        ...(await Promise.all(
          manifests.slice(1).map(async ({ digest }) => [await get('manifests', digest), digest]),
        )),
        ...(await Promise.all(
          blobs.map(async ({ digest }) => [await get('blobs', digest), digest]),
        )),
      ]
      return answers.every(([answer, digest]) => answer === `200 ${String(digest)}`)
    },
    run: (...args) => runInside(['cache', ...args], { cwd: folder.path }),
    fileOf: (digest) => join(path, 'blobs/sha256', digest.slice(7, 9), digest.slice(7)),
    async [Symbol.asyncDispose]() {
      await server.stop(0)
      await upstream.stop()
      // What was being written when the server was stopped may come now.
      await rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
      await folder[Symbol.asyncDispose]()
    },
  }
}
