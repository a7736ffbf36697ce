/**
 * The parts of Cloudflare's own interfaces that are used here, as its documentation has them. Narrow, so that
 * a test can play them, and beside the standard types, with which @cloudflare/workers-types does not mix.
 */

export type R2Content = ReadableStream<Uint8Array<ArrayBuffer>>

export interface R2Object {
  readonly size: number
}

export interface R2ObjectBody extends R2Object {
  readonly body: R2Content
}

export interface R2Bucket {
  head(key: string): Promise<R2Object | null>
  get(
    key: string,
    options?: { readonly range: { readonly offset: number; readonly length: number } },
  ): Promise<R2ObjectBody | null>
  /** Throws, and stores nothing, when the content has another hash. Streams must have a known length. */
  put(
    key: string,
    value: ReadableStream<Uint8Array> | Uint8Array,
    options: { readonly sha256: string } | { readonly sha512: string },
  ): Promise<unknown>
  delete(key: string): Promise<void>
  createMultipartUpload(key: string): Promise<R2MultipartUpload>
}

export interface R2UploadedPart {
  readonly partNumber: number
  readonly etag: string
}

export interface R2MultipartUpload {
  /** From 1; all parts but the last have one size. */
  uploadPart(partNumber: number, bytes: Uint8Array): Promise<R2UploadedPart>
  /** Only then the object is there. */
  complete(parts: readonly R2UploadedPart[]): Promise<unknown>
  abort(): Promise<void>
}

export interface KvMetadata {
  /** Epoch milliseconds. */
  readonly expiresAt: number
}

export interface KvNamespace {
  getWithMetadata(
    key: string,
  ): Promise<{ readonly value: string | null; readonly metadata: unknown }>
  put(
    key: string,
    value: string,
    options: { readonly expirationTtl: number; readonly metadata: KvMetadata },
  ): Promise<void>
  delete(key: string): Promise<void>
}

export interface RateLimiter {
  limit(options: { readonly key: string }): Promise<{ readonly success: boolean }>
}

export interface DurableObjectNamespace {
  idFromName(name: string): unknown
  get(id: unknown): { fetch(address: string, request?: RequestInit): Promise<Response> }
}

/** What the runtime gives a Durable Object. */
export interface DurableObjectState {
  readonly storage: {
    get<Value>(key: string): Promise<Value | undefined>
    put(key: string, value: unknown): Promise<void>
    /** Epoch milliseconds at which `alarm` is called. */
    setAlarm(time: number): Promise<void>
    /** The alarm stays. */
    deleteAll(): Promise<void>
  }
}

export interface ExecutionContext {
  waitUntil(work: Promise<unknown>): void
}

/** What wrangler.jsonc may bind, beside variables and secrets, which are texts. */
export interface Environment {
  readonly BLOBS?: R2Bucket
  readonly STATE?: KvNamespace
  readonly LIMIT?: RateLimiter
  readonly CLAIMS?: DurableObjectNamespace
  /** The configuration instead of the bundled one. */
  readonly PULLWAY_CONFIG?: string
  /** Layers above this many bytes go into R2 in parts, which costs CPU: README.md of the kit. */
  readonly PULLWAY_PARTS_ABOVE_BYTES?: string
}
