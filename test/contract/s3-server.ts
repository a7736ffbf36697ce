import { createHash, randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createServer, IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import S3rver, { type Received } from 's3rver'
import { type Refusal, refusalOf } from './s3-signature.ts'

export const bucket = 'pullway-blobs'
/** s3rver knows this account only, with the same word for its secret. */
export const accessKeyId = 'S3RVER'
export const secretAccessKey = 'S3RVER'

export interface S3ServerOptions {
  /** Looks at a request first; true when it answers it. */
  readonly intercept?: Intercept
  /** Waited for after each chunk of an object or part, with the bytes of it so far. */
  readonly onBytes?: (size: number) => Promise<void>
}

export type Intercept = (request: IncomingMessage, response: ServerResponse) => boolean

/**
 * s3rver with what S3 promises and it lacks: objects that appear whole and at once or not at all, parts that are
 * on the disk when they are acknowledged, a range of the first byte, signatures that are checked, and uploads
 * that can be aborted.
 */
export async function createS3Server(
  folder: string,
  { intercept = () => false, onBytes = () => Promise.resolve() }: S3ServerOptions = {},
): Promise<Server> {
  const directory = join(folder, 'buckets')
  const s3rver = new S3rver({
    directory,
    silent: true,
    vhostBuckets: false,
    configureBuckets: [{ name: bucket }],
  })
  keepPromises(s3rver, join(folder, 'incoming'), onBytes)
  await mkdir(join(folder, 'incoming'), { recursive: true })
  await s3rver.configureBuckets()
  const answer = s3rver.callback()

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (intercept(request, response)) return
    const refusal = refusalOf(request, secretAccessKey)
    if (refusal) {
      refuse(response, refusal)
      return
    }
    const uploadId = new URL(request.url ?? '', 'http://s3').searchParams.get('uploadId')
    if (request.method !== 'DELETE' || uploadId === null) return answer(request, response)
    await rm(join(uploadsOf(s3rver), uploadId), { recursive: true, force: true })
    response.writeHead(204).end()
  }

  return createServer((request, response) => void serve(request, response))
}

function uploadsOf({ store }: S3rver): string {
  return store.getResourcePath(bucket, undefined, 'uploads')
}

function refuse(response: ServerResponse, { status, code }: Refusal): void {
  response.writeHead(status, { 'content-type': 'application/xml', connection: 'close' })
  response.end(`<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code></Error>`)
}

function keepPromises(
  { store }: S3rver,
  incoming: string,
  onBytes: (size: number) => Promise<void>,
): void {
  async function receive(content: AsyncIterable<Buffer>, path: string): Promise<Received> {
    const half = join(incoming, randomUUID())
    const hash = createHash('md5')
    const sha256 = createHash('sha256')
    let size = 0
    const count = async function* (source: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
      for await (const chunk of source) {
        hash.update(chunk)
        sha256.update(chunk)
        size += chunk.byteLength
        yield chunk
        await onBytes(size)
      }
    }
    try {
      await pipeline(content, count, createWriteStream(half))
      if (isOther(content, sha256.digest('hex'))) throw new Error('Other bytes than were signed')
      await rename(half, path)
    } finally {
      await rm(half, { force: true })
    }
    return { size, md5: hash.digest('hex') }
  }

  store.putObject = async ({ bucket, key, content, metadata }) => {
    const path = store.getResourcePath(bucket, key, 'object')
    await mkdir(dirname(path), { recursive: true })
    const received = await receive(content, path)
    await store.putMetadata(bucket, key, metadata, received.md5)
    return received
  }

  store.putPart = async (bucket, uploadId, partNumber, content) => {
    const folder = join(store.getResourcePath(bucket, undefined, 'uploads'), uploadId)
    // Fails where the upload is unknown.
    await readFile(join(folder, 'key'))
    const received = await receive(content, join(folder, partNumber))
    await writeFile(join(folder, `${partNumber}.md5`), received.md5)
    return received
  }

  const getObject = store.getObject.bind(store)
  store.getObject = (bucket, key, options) =>
    // It takes an end of 0 for none.
    getObject(bucket, key, options.end === 0 ? { ...options, end: '0' } : options)
}

/** A completed upload comes from the disk. */
function isOther(content: AsyncIterable<Buffer>, sha256: string): boolean {
  const signed = content instanceof IncomingMessage && content.headers['x-amz-content-sha256']
  return /^[0-9a-f]{64}$/.test(String(signed)) && signed !== sha256
}
