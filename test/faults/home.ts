import { once } from 'node:events'
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises'
import type { Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { makeFolder } from '../clients/folder.ts'
import { run } from '../clients/process.ts'
import { accessKeyId, bucket, createS3Server, secretAccessKey } from '../contract/s3-server.ts'
import { type RedisServer, startRedis } from '../services/redis.ts'

/** A place for a cache, in which something can go wrong. */
export interface Home {
  /** `cache` of a configuration. */
  readonly config: object
  /** Where its files are, if it has any. */
  readonly folder?: string
  /** The server dies in the middle of all pulls, and is started again. */
  readonly killsServer?: boolean
  spoil(): Promise<void>
  heal(): Promise<void>
  stop(): Promise<void>
}

const mib = 1024 * 1024

/** By the names in matrix.md. */
export const homes: Readonly<Record<string, () => Promise<Home>>> = {
  'disk full': () =>
    openDisk(async (path) => {
      const { bavail, bsize } = await statfs(path)
      await writeFile(join(path, 'filler'), Buffer.alloc(bavail * bsize))
      return () => rm(join(path, 'filler'))
    }),
  'disk read-only': () =>
    openDisk(async (path) => {
      await run('mount', ['-o', 'remount,ro', path])
      return () => run('mount', ['-o', 'remount,rw', path])
    }),
  'folder vanished': () =>
    openDisk(async (path) => {
      await rm(join(path, 'cache'), { recursive: true })
      return () => Promise.resolve()
    }),
  'folder replaced by a file': () =>
    openDisk(async (path) => {
      await rm(join(path, 'cache'), { recursive: true })
      await writeFile(join(path, 'cache'), '')
      return () => rm(join(path, 'cache'))
    }),
  'kill -9': async () => ({
    ...(await openDisk(() => Promise.resolve(() => Promise.resolve()))),
    killsServer: true,
  }),
  'S3 dead': () =>
    openServices(async ({ s3, listen }) => {
      s3.close()
      s3.closeAllConnections()
      await once(s3, 'close')
      return listen
    }),
  'S3 answers 503': () =>
    openServices(({ instead }) => {
      instead.act = (response) => {
        response.writeHead(503).end('<Error><Code>SlowDown</Code></Error>')
      }
      return Promise.resolve(() => {
        instead.act = undefined
        return Promise.resolve()
      })
    }),
  'S3 silent': () =>
    openServices(({ instead, s3 }) => {
      instead.act = () => undefined
      return Promise.resolve(() => {
        instead.act = undefined
        s3.closeAllConnections()
        return Promise.resolve()
      })
    }),
  'Redis dead': () =>
    openServices(async ({ redis }) => {
      await redis.kill()
      return () => redis.start()
    }),
  'Redis silent': () =>
    openServices(({ redis }) => {
      redis.pause()
      return Promise.resolve(() => {
        redis.goOn()
        return Promise.resolve()
      })
    }),
}

type Spoil<T> = (place: T) => Promise<() => Promise<unknown>>

/** A small disk of its own; needs root. */
async function openDisk(spoil: Spoil<string>): Promise<Home> {
  const place = await makeFolder('home')
  const { path } = place
  await run('mount', ['-t', 'tmpfs', '-o', `size=${8 * mib}`, 'tmpfs', path])
  const folder = join(path, 'cache')
  await mkdir(folder)
  let heal: () => Promise<unknown> = () => Promise.resolve()
  return {
    config: { blobs: { path: folder } },
    folder,
    spoil: async () => void (heal = await spoil(path)),
    heal: async () => {
      await heal()
    },
    async stop() {
      await run('umount', ['--lazy', path])
      await place.remove()
    },
  }
}

interface Services {
  readonly redis: RedisServer
  readonly s3: Server
  readonly listen: () => Promise<void>
  /** Answers instead of the bucket. */
  readonly instead: { act: ((response: ServerResponse) => void) | undefined }
}

async function openServices(spoil: Spoil<Services>): Promise<Home> {
  const place = await makeFolder('home')
  const { path } = place
  const instead: Services['instead'] = { act: undefined }
  const s3 = await createS3Server(path, {
    intercept: (_, response) => (instead.act === undefined ? false : (instead.act(response), true)),
  })
  let port = 0
  const listen = async (): Promise<void> => {
    s3.listen(port, '127.0.0.1')
    await once(s3, 'listening')
    port = (s3.address() as AddressInfo).port
  }
  await listen()
  const redis = await startRedis()
  let heal: () => Promise<unknown> = () => Promise.resolve()
  return {
    config: {
      blobs: {
        driver: 's3',
        endpoint: `http://127.0.0.1:${port}`,
        bucket,
        accessKeyId,
        secretAccessKey,
      },
      state: { driver: 'redis', url: redis.url },
    },
    spoil: async () => void (heal = await spoil({ redis, s3, listen, instead })),
    heal: async () => {
      await heal()
    },
    async stop() {
      redis.goOn()
      await redis.remove()
      s3.closeAllConnections()
      s3.close()
      await place.remove()
    },
  }
}
