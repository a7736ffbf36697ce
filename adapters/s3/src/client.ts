import type { Clock, Fetch } from '@pullway/core'
import { AwsV4Signer } from 'aws4fetch'
import { type Bucket, type BucketOptions, createBucket } from './address.ts'
import { readText } from './body.ts'
import { S3Error } from './error.ts'

export interface S3Options extends BucketOptions {
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Comes with temporary credentials, as a function's role has them. */
  readonly sessionToken?: string
  /** A Fetch port, or any `(request) => fetch(request)`. */
  readonly fetch: Fetch
  readonly clock: Clock
}

export interface Asked {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  readonly key: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  /** A stream cannot be repeated, and its length stands in the headers. */
  readonly body?: Uint8Array<ArrayBuffer> | string | ReadableStream<Uint8Array>
  /** Statuses that the caller understands; any other one is thrown. */
  readonly accepts: readonly number[]
  /** For all attempts together, and what is read of the answer before it is handed on. */
  readonly limitMs: number
  /** Whether asking twice is the same as asking once. */
  readonly isRepeatable: boolean
  readonly signal?: AbortSignal
}

export interface S3Client extends Bucket {
  /** Hands over an answer with an accepted status; what is read of it meanwhile counts into the limit. */
  ask<T>(asked: Asked, use: (answer: Response) => T | Promise<T>): Promise<T>
  presign(key: string, expiresSeconds: number): Promise<URL>
}

/** What fetch wants of whoever gives it a stream. */
const forStreams: object = { duplex: 'half' }
/** Before the second and the third attempt. */
const pauses = [100, 400]

export function createClient(options: S3Options): S3Client {
  const bucket = createBucket(options)
  const { fetch, clock } = options
  const signingKeys = new Map<string, ArrayBuffer>()

  function signer(asked: Pick<Asked, 'method' | 'key' | 'query' | 'headers'>, expires?: number) {
    const url = bucket.urlOf(asked.key)
    for (const [name, value] of Object.entries(asked.query ?? {})) url.searchParams.set(name, value)
    if (expires !== undefined) url.searchParams.set('X-Amz-Expires', `${expires}`)
    return new AwsV4Signer({
      ...credentialsOf(options),
      service: 's3',
      cache: signingKeys,
      datetime: new Date(clock.now()).toISOString().replace(/[:-]|\.\d{3}/g, ''),
      url: url.href,
      method: asked.method,
      headers: { ...asked.headers },
      signQuery: expires !== undefined,
    })
  }

  async function attempt(asked: Asked, signal: AbortSignal): Promise<Response> {
    const { url, headers } = await signer(asked).sign()
    // Not signed: proxies and runtimes rewrite it. A compressed answer would have no length.
    headers.set('accept-encoding', 'identity')
    const body = asked.body ?? null
    // A redirect would take the signature to another host, where it is worth nothing.
    const init = { method: asked.method, headers, body, redirect: 'manual', signal } as const
    const request = new Request(url, { ...init, ...forStreams })
    return fetch(request, { network: 'any' })
  }

  async function persist(asked: Asked, signal: AbortSignal): Promise<Response> {
    for (const pause of asked.isRepeatable ? pauses : []) {
      const answer = await attempt(asked, signal).catch((error: unknown) => {
        if (signal.aborted) throw error
      })
      if (answer && !isPassing(answer)) return answer
      await answer?.body?.cancel().catch(() => undefined)
      await clock.sleep(pause, signal)
    }
    return attempt(asked, signal)
  }

  async function ask<T>(asked: Asked, use: (answer: Response) => T | Promise<T>): Promise<T> {
    const limit = new AbortController()
    const done = new AbortController()
    const stop = (): void => limit.abort(asked.signal?.reason)
    if (asked.signal?.aborted) stop()
    asked.signal?.addEventListener('abort', stop)
    void clock.sleep(asked.limitMs, done.signal).then(() => {
      if (done.signal.aborted) return
      limit.abort(new Error(`S3 did not answer ${asked.method} ${asked.key} in time`))
    })
    try {
      const answer = await persist(asked, limit.signal)
      if (asked.accepts.includes(answer.status)) return await use(answer)
      throw new S3Error(asked, {
        status: answer.status,
        text: await readText(answer).catch(() => ''),
      })
    } catch (error) {
      limit.signal.throwIfAborted()
      throw error
    } finally {
      done.abort()
      asked.signal?.removeEventListener('abort', stop)
    }
  }

  return {
    ...bucket,
    ask,
    async presign(key, expiresSeconds) {
      const { url } = await signer({ method: 'GET', key }, expiresSeconds).sign()
      return url
    },
  }
}

/** The service is busy or broken for the moment. */
function isPassing({ status }: Response): boolean {
  return status >= 500 || status === 429
}

function credentialsOf({ region, accessKeyId, secretAccessKey, sessionToken }: S3Options) {
  const credentials = { region, accessKeyId, secretAccessKey }
  return sessionToken === undefined ? credentials : { ...credentials, sessionToken }
}
