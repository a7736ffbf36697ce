import type { IncomingMessage } from 'node:http'
import type { Clock, Fetch } from '@pullway/core'
import { onTestFinished } from 'vitest'
import { createS3BlobStore, type S3BlobStore, type S3Options } from '../../adapters/s3/src/index.ts'
import { systemClock } from '../../adapters/node/src/clock.ts'
import { createNodeFetch } from '../../adapters/node/src/fetch.ts'
import { listen } from './peer.ts'
import {
  accessKeyId,
  bucket,
  createS3Server,
  type S3ServerOptions,
  secretAccessKey,
} from './s3-server.ts'
import { listFiles, makeFolder } from './temporary-folder.ts'

export interface S3UnderTest {
  readonly store: S3BlobStore
  readonly leftovers: () => Promise<readonly string[]>
  /** Requests so far, as `PUT part 2`. */
  readonly requests: readonly string[]
  /** A further store over the same server. */
  readonly connect: (options: Partial<S3Options>) => S3BlobStore
}

/** The Fetch port of Node, for the running test. */
export function nodeFetch(): Fetch {
  const fetch = createNodeFetch({ connectMs: 5000 })
  onTestFinished(() => fetch.close())
  return fetch
}

/** As in a runtime that has nothing else. */
export const globalFetch: Fetch = (request) => fetch(request)

export function connectTo(endpoint: string, options: Partial<S3Options> = {}): S3BlobStore {
  return createS3BlobStore({
    endpoint,
    bucket,
    region: 'us-east-1',
    accessKeyId,
    secretAccessKey,
    fetch: options.fetch ?? nodeFetch(),
    clock: systemClock,
    ...options,
  })
}

export async function startS3(
  options: Partial<S3Options> = {},
  { intercept, ...server }: S3ServerOptions = {},
): Promise<S3UnderTest> {
  const folder = await makeFolder()
  const requests: string[] = []
  const { origin } = await listen(
    await createS3Server(folder, {
      ...server,
      intercept(request, response) {
        requests.push(nameOf(request))
        return intercept?.(request, response) ?? false
      },
    }),
  )
  const whole =
    /^buckets\/[^/]+\/.*blobs\/sha\d+\/\w\w\/\w+\._S3rver_(?:object(?:\.md5)?|metadata\.json)$/
  return {
    store: connectTo(origin, options),
    leftovers: async () => (await listFiles(folder)).filter((file) => !whole.test(file)),
    requests,
    connect: (more) => connectTo(origin, { ...options, ...more }),
  }
}

/** What S3's documentation calls it, in short. */
export function nameOf({ method = '', url = '' }: Pick<IncomingMessage, 'method' | 'url'>): string {
  const query = new URL(url, 'http://s3').searchParams
  if (query.has('uploads')) return 'create'
  if (query.has('partNumber')) return `part ${query.get('partNumber')}`
  if (!query.has('uploadId')) return method
  return method === 'DELETE' ? 'abort' : 'complete'
}

export interface HastyClock extends Clock {
  readonly pauses: readonly number[]
}

/** A clock whose short sleeps are over at once, so that pauses cost no time and limits still hold. */
export function createHastyClock(): HastyClock {
  const pauses: number[] = []
  return {
    pauses,
    now: () => Date.now(),
    sleep(milliseconds, signal) {
      if (milliseconds >= 1000) return systemClock.sleep(milliseconds, signal)
      pauses.push(milliseconds)
      return Promise.resolve()
    },
  }
}

export interface Gate {
  readonly opened: Promise<void>
  readonly open: () => void
}

export function createGate(): Gate {
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { opened, open }
}
