import type { Digest } from '@pullway/core'
import type { R2Bucket, R2UploadedPart } from './bindings.ts'

export interface PutInPartsOptions {
  readonly bucket: R2Bucket
  readonly key: string
  readonly digest: Digest
  readonly body: ReadableStream<Uint8Array>
  readonly size: number
  /** R2 takes 10 000 parts of one size, 5 MiB at least; one of them is in memory at a time. */
  readonly partBytes: number
}

/** Cloudflare's own: hashes what is written to it without JavaScript. */
declare const crypto: {
  readonly DigestStream: new (
    algorithm: string,
  ) => WritableStream<Uint8Array> & { readonly digest: Promise<ArrayBuffer> }
}

const algorithms = { sha256: 'SHA-256', sha512: 'SHA-512' }

/**
 * For what R2 does not take at once. It checks no digest of several parts, so they are hashed here on their way,
 * and become an object only if the digest is right. JavaScript sees a part, not its bytes.
 */
export async function putInParts(options: PutInPartsOptions): Promise<void> {
  const { bucket, key, digest, body, size, partBytes } = options
  const [algorithm, wanted] = digest.split(':') as [keyof typeof algorithms, string]
  const upload = await bucket.createMultipartUpload(key)
  try {
    const stream = new crypto.DigestStream(algorithms[algorithm])
    const hash = stream.getWriter()
    const parts: R2UploadedPart[] = []
    for await (const part of readParts(body, size, partBytes)) {
      const [uploaded] = await Promise.all([
        upload.uploadPart(parts.length + 1, part),
        hash.write(part),
      ])
      parts.push(uploaded)
    }
    await hash.close()
    if (toHex(await stream.digest) !== wanted) throw new Error('the bytes have another digest')
    await upload.complete(parts)
  } catch (error) {
    // What cannot be aborted, R2 forgets after a week.
    await upload.abort().catch(() => undefined)
    throw error
  }
}

/** Each in the same memory: it is gone when the next is asked for. */
async function* readParts(
  body: ReadableStream<Uint8Array>,
  size: number,
  partBytes: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  const reader = body.getReader({ mode: 'byob' })
  let memory = new ArrayBuffer(Math.min(partBytes, size))
  try {
    for (let left = size; left > 0; left -= partBytes) {
      const min = Math.min(partBytes, left)
      const { value } = await reader.read(new Uint8Array(memory, 0, min), { min })
      if (value?.byteLength !== min) throw new Error(`less than the ${size} bytes announced`)
      yield value
      memory = value.buffer
    }
    const { done } = await reader.read(new Uint8Array(1))
    if (!done) throw new Error(`more than the ${size} bytes announced`)
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}

function toHex(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
