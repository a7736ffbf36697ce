import { createHash } from 'node:crypto'
import type {
  ExecutionContext,
  KvNamespace,
  R2Bucket,
} from '../../adapters/cloudflare/src/bindings.ts'
import type { FakeClock } from '../fakes/clock.ts'

type Bytes = Uint8Array<ArrayBuffer>

export interface FakeBucket extends R2Bucket {
  readonly objects: ReadonlyMap<string, Bytes>
  /** Multipart uploads that are neither complete nor aborted. */
  readonly unfinished: ReadonlySet<unknown>
}

/** R2 as its documentation has it: whole objects, checked hashes, ranges cut at the end. */
export function createFakeBucket(): FakeBucket {
  const objects = new Map<string, Bytes>()
  const unfinished = new Set<unknown>()
  return {
    objects,
    unfinished,
    async createMultipartUpload(key) {
      const upload = {}
      const pieces: Bytes[] = []
      unfinished.add(upload)
      return {
        async uploadPart(partNumber, bytes) {
          if (!unfinished.has(upload)) throw new Error('uploadPart: no such upload (10024)')
          pieces[partNumber - 1] = Uint8Array.from(bytes)
          return { partNumber, etag: String(bytes.byteLength) }
        },
        async complete(parts) {
          const sizes = parts.map(({ etag }) => Number(etag))
          if (sizes.slice(0, -1).some((size) => size !== sizes[0])) {
            throw new Error('completeMultipartUpload: all parts must have the same length (10048)')
          }
          unfinished.delete(upload)
          objects.set(key, new Uint8Array(Buffer.concat(pieces)))
          return {}
        },
        async abort() {
          unfinished.delete(upload)
        },
      }
    },
    async head(key) {
      const bytes = objects.get(key)
      return bytes ? { size: bytes.byteLength } : null
    },
    async get(key, options) {
      const bytes = objects.get(key)
      if (!bytes) return null
      const { offset = 0, length = bytes.byteLength } = options?.range ?? {}
      if (options && offset >= bytes.byteLength) {
        throw new Error('get: The requested range is not satisfiable (10039)')
      }
      const body = new Blob([bytes.slice(offset, offset + length)]).stream()
      return { size: bytes.byteLength, body }
    },
    async put(key, value, options) {
      const bytes = new Uint8Array(await new Response(value as BodyInit).arrayBuffer())
      for (const [algorithm, hash] of Object.entries(options)) {
        if (createHash(algorithm).update(bytes).digest('hex') === hash) continue
        throw new Error(`put: The ${algorithm} checksum you specified did not match (10037)`)
      }
      objects.set(key, bytes)
      return {}
    },
    async delete(key) {
      objects.delete(key)
    },
  }
}

export interface FakeNamespace extends KvNamespace {
  readonly writes: readonly string[]
  readonly reads: readonly string[]
  fail(error: Error | undefined): void
}

/** KV with the limits that a write meets. */
export function createFakeNamespace(clock: Pick<FakeClock, 'now'>): FakeNamespace {
  const entries = new Map<string, { value: string; metadata: unknown; endsAt: number }>()
  const writes: string[] = []
  const reads: string[] = []
  let failure: Error | undefined
  return {
    writes,
    reads,
    fail: (error) => void (failure = error),
    async getWithMetadata(key) {
      reads.push(key)
      const entry = entries.get(key)
      if (!entry || clock.now() >= entry.endsAt) return { value: null, metadata: null }
      return entry
    },
    async put(key, value, { expirationTtl, metadata }) {
      if (failure) throw failure
      if (expirationTtl < 60 || !Number.isInteger(expirationTtl)) {
        throw new Error('KV PUT failed: 400 Invalid expiration_ttl')
      }
      const bytes = Buffer.byteLength(key)
      if (bytes > 512 || bytes === 0 || key === '.' || key === '..') {
        throw new Error('KV PUT failed: 414 UTF-8 encoded length exceeds key length limit of 512')
      }
      writes.push(key)
      const endsAt = clock.now() + expirationTtl * 1000
      entries.set(key, { value, metadata: structuredClone(metadata), endsAt })
    },
    async delete(key) {
      if (failure) throw failure
      writes.push(key)
      entries.delete(key)
    },
  }
}

export type FakeCache = Pick<Cache, 'match' | 'put' | 'delete'>

/** The Cache API as Cloudflare's: what it does not like it refuses, or drops in silence. */
export function createFakeCache(): FakeCache {
  const entries = new Map<string, Bytes>()
  return {
    async match(request) {
      const bytes = entries.get(keyOf(request))
      return bytes && new Response(bytes)
    },
    async put(request, response) {
      if (response.status === 206) throw new TypeError('Cannot cache a partial response (206)')
      const control = response.headers.get('cache-control') ?? ''
      const isKept = control.includes('max-age') && !control.includes('private')
      const bytes = new Uint8Array(await response.arrayBuffer())
      if (!isKept || response.headers.get('content-length') !== String(bytes.byteLength)) return
      entries.set(keyOf(request), bytes)
    },
    async delete(request) {
      return entries.delete(keyOf(request))
    },
  }
}

function keyOf(request: URL | RequestInfo): string {
  return new Request(request).url
}

/** Of workerd: a stream that breaks when it carries another number of bytes than it says. */
export class FixedLengthStream extends TransformStream<Uint8Array, Uint8Array> {
  constructor(length: number) {
    let left = length
    super({
      transform(chunk, controller) {
        left -= chunk.byteLength
        if (left < 0) throw new TypeError('Attempt to write too many bytes')
        controller.enqueue(chunk)
      },
      flush() {
        if (left > 0) throw new TypeError('FixedLengthStream did not see all expected bytes')
      },
    })
  }
}

/** Of workerd: a stream that hashes what is written to it. */
export class DigestStream extends WritableStream<Uint8Array> {
  readonly digest: Promise<ArrayBuffer>

  constructor(algorithm: string) {
    const hash = createHash(algorithm.replace('-', '').toLowerCase())
    let finish: (digest: ArrayBuffer) => void
    super({
      write: (chunk) => void hash.update(chunk),
      close: () => finish(new Uint8Array(hash.digest()).buffer),
    })
    this.digest = new Promise((resolve) => {
      finish = resolve
    })
  }
}

export interface FakeExecution extends ExecutionContext {
  /** Resolves when all that was to be waited for is done. */
  settle(): Promise<void>
}

export function createFakeExecution(): FakeExecution {
  const pending: Promise<unknown>[] = []
  return {
    waitUntil: (work) => void pending.push(work),
    async settle() {
      for (let done = 0; done < pending.length; done = pending.length) await Promise.all(pending)
    },
  }
}
