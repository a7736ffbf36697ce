import type { BlobWrite, Digest } from '@pullway/core'
import { readText } from './body.ts'
import type { Asked, S3Client } from './client.ts'
import { S3Error } from './error.ts'
import type { Leftovers } from './leftovers.ts'
import { createPart } from './part.ts'
import { beginUpload, mostParts, payload, type Upload, uploadLimitMs } from './upload.ts'

const mib = 1024 * 1024
const usualPartBytes = 8 * mib
/** What a write may hold in memory at most; with S3's limit of parts, the size of the largest blob. */
const largestPartBytes = 64 * mib

export interface WriteTarget {
  readonly client: S3Client
  readonly digest: Digest
  /** How many bytes the digest's object has, if it is there. */
  readonly sizeOf: (digest: Digest) => Promise<number | undefined>
  readonly leftovers: Leftovers
}

/** One PUT of what fits into one part; parts of an upload, one at a time, of what does not. */
export function createWrite(target: WriteTarget, size: number | undefined): BlobWrite {
  const { client, digest } = target
  const key = client.keyOf(digest)
  const part = createPart(partBytesFor(size), size)
  const stop = new AbortController()
  let length = 0
  let upload: Upload | undefined
  let isCommitted = false
  /** The work begun last: each waits for the one before, and fails with it. */
  let work: Promise<void> = Promise.resolve()

  async function take(chunks: readonly Uint8Array[]): Promise<void> {
    for (let chunk of chunks) {
      length += chunk.byteLength
      if (size !== undefined && length > size) {
        throw new RangeError(`More bytes than the ${size} announced`)
      }
      while (chunk.byteLength > 0) {
        // A full part waits for the byte after it: a blob of just that size needs no upload.
        if (part.isFull()) await flush()
        chunk = chunk.subarray(part.add(chunk))
      }
    }
  }

  async function flush(): Promise<void> {
    upload ??= await beginUpload(client, key, stop.signal)
    await upload.add(part.take())
  }

  async function finish(): Promise<void> {
    if (size !== undefined && length !== size) {
      throw new RangeError(`${length} bytes instead of the ${size} announced`)
    }
    if (!upload) return putWhole()
    await flush()
    try {
      await upload.complete()
    } catch (error) {
      // A repeated request finds no upload where only the answer to the first one was lost.
      const isGone = error instanceof S3Error && error.code === 'NoSuchUpload'
      if (!isGone || (await target.sizeOf(digest)) !== length) throw error
    }
  }

  async function putWhole(): Promise<void> {
    const [algorithm, hex] = digest.split(':')
    const request: Asked = {
      ...(await payload(client, part.take(), algorithm === 'sha256' ? hex : undefined)),
      method: 'PUT',
      key,
      accepts: [200],
      limitMs: uploadLimitMs,
      isRepeatable: true,
      signal: stop.signal,
    }
    await client.ask(request, readText)
  }

  function then(next: () => Promise<void>): Promise<void> {
    work = work.then(next)
    return work
  }

  async function giveUp(): Promise<void> {
    const abandoned = upload
    upload = undefined
    part.take()
    if (abandoned) await target.leftovers.abort(abandoned)
  }

  async function orGiveUp(step: Promise<void>): Promise<void> {
    try {
      await step
    } catch (error) {
      await giveUp()
      throw error
    }
  }

  return {
    append: (chunks) => then(() => orGiveUp(take(chunks))),

    async commit() {
      await then(() => orGiveUp(finish()))
      isCommitted = true
      await target.leftovers.retry()
    },

    async release() {
      if (isCommitted) return
      stop.abort(new Error('The write was given up'))
      await work.catch(() => undefined)
      // A write that failed long ago is released when its download ends: S3 may be back.
      if (upload) await giveUp()
      else await target.leftovers.retry()
    },
  }
}

function partBytesFor(size: number | undefined): number {
  if (size === undefined) return usualPartBytes
  const partBytes = Math.max(usualPartBytes, Math.ceil(size / mostParts / mib) * mib)
  if (partBytes > largestPartBytes) throw new RangeError(`${size} bytes are too many for S3`)
  return partBytes
}
