/**
 * What a runtime must bring. The core reaches time, network and storage only through these ports.
 * In all of them `undefined` means absent and a throw means broken.
 */
import type { PasswordMeans } from './access/password-hash.ts'

import type { Limiter } from './limiter.ts'

export type { Limiter, RateLimit, Taken } from './limiter.ts'

/** A content digest, `<algorithm>:<hex>`, checked where it was parsed (request/reference.ts). */
export type Digest = `${HashAlgorithm}:${string}`
export type HashAlgorithm = 'sha256' | 'sha512'

/** Inclusive byte positions within a blob, already resolved against its size. */
export interface ByteRange {
  readonly first: number
  readonly last: number
}

export interface FetchOptions {
  /**
   * `public`: refuse to connect to a private, loopback, link-local or metadata address, also when a name
   * resolves to one. `any`: the host is the operator's own choice (an endpoint or a trusted host).
   */
  readonly network: 'public' | 'any'
  /** The request's body is passed on as it comes; others are small, and may be read whole before. */
  readonly streamsBody?: true
}

/**
 * One HTTP exchange. Never follows a redirect, never decodes a body, honours the request's signal.
 * Throws a FetchError when no answer came.
 */
export type Fetch = (request: Request, options: FetchOptions) => Promise<Response>

/** `exhausted`: there was no file, port or memory left on this side to ask with, which says nothing of the other. */
export type FetchFailure = 'timeout' | 'unreachable' | 'forbidden-address' | 'exhausted'

/** Why a Fetch gave no answer. */
export class FetchError extends Error {
  override readonly name = 'FetchError'
  readonly failure: FetchFailure

  constructor(failure: FetchFailure, message: string, options?: ErrorOptions) {
    super(message, options)
    this.failure = failure
  }
}

/** Content that a store holds whole. Take `content` or call `discard`, else a file may stay open. */
export interface StoredBlob {
  /** The blob's whole size in bytes, also when a range was asked for. */
  readonly size: number
  /** The bytes of the range, or all. Small blobs come as bytes: an answer made of them costs no stream. */
  readonly content: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>>
  /** Takes what stands in for content that breaks; without it, the core reads through a stream of its own. */
  whenBroken?(goOn: GoOn): void
}

/** Gives content from a position of the blob on, up to the end that was asked for. */
export type GoOn = (position: number, error: unknown) => Promise<ReadableStream<Uint8Array>>

/** What a store holds under a digest is not whole any more, and never will be: nobody can read it. */
export class DamagedBlobError extends Error {
  override readonly name = 'DamagedBlobError'
}

/** A write in progress. Nothing is visible under the digest before `commit` has resolved. */
export interface BlobWrite {
  /** Adds bytes at the end. Resolves when `read` can give them back. The chunks must not change after. */
  append(chunks: readonly Uint8Array[]): Promise<void>
  /**
   * Gives back appended bytes, at least one and at most `length`, while the write goes on: this is what
   * lets late and slow clients follow a download. Absent where a store cannot read what is half written.
   * `into` is memory of at least `length` bytes that the store may use for them.
   */
  read?(
    position: number,
    length: number,
    into?: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer>>
  /** Makes the blob visible, all at once. `read` goes on working until `release`. */
  commit(): Promise<void>
  /** Frees what the write holds; without a commit before, every trace of it. Never throws. */
  release(): Promise<void>
}

/** Content-addressed storage. The caller has verified what it commits. */
export interface BlobStore {
  stat(digest: Digest): Promise<{ readonly size: number } | undefined>
  open(digest: Digest, range?: ByteRange): Promise<StoredBlob | undefined>
  /** Begins a write; `size` in bytes where known. Throws when the store cannot take it (read-only), NoRoomError
   * when it does not take so much. */
  write(digest: Digest, size?: number): Promise<BlobWrite>
  remove(digest: Digest): Promise<void>
  /** Tells that content was asked for and answered without this store: it keeps what is used. */
  used?(digest: Digest): void
}

/** A write that is refused because of its size, by a store that is well. */
export class NoRoomError extends Error {
  override readonly name = 'NoRoomError'
}

/** Where a client can fetch a stored blob by itself for a while; undefined where it is not stored. */
export type PresignBlob = (digest: Digest, expiresSeconds: number) => Promise<URL | undefined>

/**
 * Stores a body whole, by the platform's own means, which check the digest: for runtimes where JavaScript must
 * not touch a layer's bytes. Throws, and stores nothing, when the bytes are others; throws CannotIngest where
 * these means do not suit the blob, which is then hashed and written by `blobs`.
 */
export type IngestBlob = (
  digest: Digest,
  body: ReadableStream<Uint8Array>,
  size: number,
) => Promise<void>

export class CannotIngest extends Error {
  override readonly name = 'CannotIngest'
}

/** Small texts with a life time: tags, holdings, tokens. May be eventually consistent. */
export interface KeyValue {
  get(key: string): Promise<string | undefined>
  set(key: string, value: string, ttlSeconds: number): Promise<void>
  delete(key: string): Promise<void>
}

export interface Clock {
  /** Epoch milliseconds. */
  now(): number
  /** Resolves after that many milliseconds, or at once when the signal aborts. Never rejects. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>
}

export interface Hasher {
  update(chunk: Uint8Array): void
  /** Lower-case hex of all bytes so far; the hasher is used up. */
  hex(): string
}

/** Web Crypto cannot hash a stream, so the runtime brings one that can. */
export type CreateHasher = (algorithm: HashAlgorithm) => Hasher

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>

/** Constant message, data in fields, no credentials. */
export interface Logger {
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** One finished line of the access log, without a newline. */
  access(line: string): void
}

/** All ports of one process or isolate; made once. */
export interface Ports extends PasswordMeans {
  readonly fetch: Fetch
  /** Undefined: nothing is kept. */
  readonly blobs: BlobStore | undefined
  readonly presign?: PresignBlob
  readonly ingest?: IngestBlob
  /** What is worth keeping over a restart: tags, holdings, challenges. Never a secret. */
  readonly state: KeyValue
  /** What must not be written to a disk (tokens) or lives for seconds (remembered refusals). */
  readonly volatile: KeyValue
  /** Undefined: this runtime cannot limit requests, and refuses to start where they are to be. */
  readonly limiter?: Limiter
  readonly clock: Clock
  readonly createHasher: CreateHasher
  readonly logger: Logger
}
