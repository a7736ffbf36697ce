import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { systemClock } from '@pullway/node'
import { createS3BlobStore, type S3BlobStore } from '../../adapters/s3/src/index.ts'
import { makeFolder } from '../clients/folder.ts'
import {
  accessKeyId,
  bucket,
  createS3Server,
  type S3ServerOptions,
  secretAccessKey,
} from '../contract/s3-server.ts'

export interface Bucket {
  readonly endpoint: string
  /** What is in it, as any mirror sees it. */
  readonly store: S3BlobStore
  stop(): Promise<void>
}

/** S3 on loopback, for a function in another process. */
export async function startBucket(options: S3ServerOptions = {}): Promise<Bucket> {
  const folder = await makeFolder('s3')
  const server = await createS3Server(folder.path, options)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    endpoint,
    store: createS3BlobStore({
      endpoint,
      bucket,
      region: 'eu-central-1',
      accessKeyId,
      secretAccessKey,
      fetch: (request) => fetch(request),
      clock: systemClock,
    }),
    stop: async () => {
      server.close()
      server.closeAllConnections()
      await folder.remove()
    },
  }
}
