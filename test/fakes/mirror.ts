import { createHash } from 'node:crypto'
import {
  type AdminModule,
  createPullway,
  type BlobStore,
  type Delivery,
  type Fetch,
  type IngestBlob,
  type KeyValue,
  type PresignBlob,
  type Pullway,
  type RequestContext,
  type VerifyBcrypt,
} from '@pullway/core'
import { parseConfig } from '@pullway/core/config'
import { createMemoryBlobStore, createMemoryKeyValue, createMemoryLimiter } from '@pullway/memory'
import { verifyBcrypt } from '@pullway/node'
import { createFakeClock, type FakeClock } from './clock.ts'

/** An answer read to its end. */
export interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly text: string
  /** Of the first OCI error; undefined if the body is none. */
  readonly code: string | undefined
  readonly message: string | undefined
  /** Why the body broke off; undefined if it ended well. */
  readonly broken: unknown
}

export interface TestMirror {
  readonly pullway: Pullway
  readonly clock: FakeClock
  /** Every line that was logged, the access log included. */
  readonly logged: readonly string[]
  fetch(path: string, init?: RequestInit, context?: Partial<RequestContext>): Promise<Response>
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Answered>
  head(path: string, headers?: Readonly<Record<string, string>>): Promise<Answered>
  /** Moves time on, in small steps, until the work is done: for what waits, pauses or gives up. */
  drive<T>(work: Promise<T>): Promise<T>
  /** Resolves when all work behind the answers is done. */
  settle(): Promise<void>
}

export interface TestMirrorOptions {
  readonly fetch: Fetch
  readonly clock?: FakeClock
  /** YAML; the built-in registries need none. */
  readonly config?: string
  readonly maxCacheBytes?: number
  readonly blobs?: BlobStore
  readonly delivery?: Delivery
  readonly presign?: PresignBlob
  readonly ingest?: IngestBlob
  /** Lines of an htpasswd file. */
  readonly users?: string
  /** Shared with another mirror. */
  readonly stores?: { readonly state: KeyValue; readonly volatile: KeyValue }
  /** Workers have none. */
  readonly hasBcrypt?: boolean
  readonly verifyBcrypt?: VerifyBcrypt
  readonly maxPbkdf2Iterations?: number
  readonly loadAdmin?: () => Promise<AdminModule>
}

/** The mirror on memory stores and a clock that stands still, without any socket. */
export function createTestMirror(options: TestMirrorOptions): TestMirror {
  const { clock = createFakeClock() } = options
  const logged: string[] = []
  const pending: Promise<unknown>[] = []
  const log = (...words: readonly unknown[]): void => void logged.push(JSON.stringify(words))
  const pullway = createPullway({
    config: parseConfig(options.config ?? '', { file: 'pullway.yaml', environment: {} }),
    ...(options.delivery && { delivery: options.delivery }),
    ...(options.loadAdmin && { loadAdmin: options.loadAdmin }),
    ...(options.users !== undefined && { users: { file: 'htpasswd', text: options.users } }),
    ports: {
      ...(options.hasBcrypt !== false && { verifyBcrypt: options.verifyBcrypt ?? verifyBcrypt }),
      ...(options.maxPbkdf2Iterations !== undefined && {
        maxPbkdf2Iterations: options.maxPbkdf2Iterations,
      }),
      ...(options.presign && { presign: options.presign }),
      ...(options.ingest && { ingest: options.ingest }),
      fetch: options.fetch,
      blobs:
        options.blobs ?? createMemoryBlobStore({ maxBytes: options.maxCacheBytes ?? 64 * 2 ** 20 }),
      state: options.stores?.state ?? createMemoryKeyValue({ clock }),
      volatile: options.stores?.volatile ?? createMemoryKeyValue({ clock }),
      limiter: createMemoryLimiter({ clock }),
      clock,
      createHasher: (algorithm) => {
        const hash = createHash(algorithm)
        return { update: (chunk) => void hash.update(chunk), hex: () => hash.digest('hex') }
      },
      logger: { info: log, warn: log, error: log, access: log },
    },
  })

  function fetch(
    path: string,
    init: RequestInit = {},
    context: Partial<RequestContext> = {},
  ): Promise<Response> {
    const url = path.startsWith('http') ? path : `http://mirror.test${path}`
    return pullway.fetch(new Request(url, init), {
      clientAddress: '192.0.2.1',
      waitUntil: (work) => void pending.push(work),
      ...context,
    })
  }

  return {
    pullway,
    clock,
    logged,
    fetch,
    get: async (path, headers = {}) => readAnswer(await fetch(path, { headers })),
    head: async (path, headers = {}) => readAnswer(await fetch(path, { method: 'HEAD', headers })),
    drive: (work) => drive(clock, work),
    async settle() {
      await Promise.all(pending)
      await pullway.idle()
    },
  }
}

/** Virtual time after which a test that still waits has failed. */
const longestMs = 5 * 60_000

export async function drive<T>(clock: FakeClock, work: Promise<T>): Promise<T> {
  const progress = { isDone: false }
  const finish = (): void => void (progress.isDone = true)
  work.then(finish, finish)
  const end = clock.now() + longestMs
  while (!progress.isDone && clock.now() < end) await clock.advance(50)
  if (progress.isDone) return work
  throw new Error(`nothing came within ${String(longestMs / 60_000)} minutes of the clock`)
}

export async function readAnswer(response: Response): Promise<Answered> {
  const { bytes, broken } = await readBody(response)
  const text = new TextDecoder().decode(bytes)
  const error = firstError(text)
  const { status, headers } = response
  return { status, headers, bytes, text, code: error?.code, message: error?.message, broken }
}

async function readBody(
  response: Response,
): Promise<{ bytes: Uint8Array<ArrayBuffer>; broken: unknown }> {
  const chunks: Uint8Array[] = []
  let broken: unknown
  try {
    for await (const chunk of response.body ?? []) chunks.push(chunk)
  } catch (error) {
    broken = error ?? new Error('broken without a reason')
  }
  return { bytes: new Uint8Array(Buffer.concat(chunks)), broken }
}

function firstError(text: string): { code: string; message: string } | undefined {
  if (!text.startsWith('{"errors"')) return undefined
  return (JSON.parse(text) as { errors: { code: string; message: string }[] }).errors[0]
}
