/**
 * The one error type that reaches clients, with the codes of the OCI distribution specification ("Error
 * Codes") and the two that registries add for trouble behind them. `toErrorResponse` is the only place that
 * makes a Response of it.
 */
export type ErrorCode =
  | 'BLOB_UNKNOWN'
  | 'BLOB_UPLOAD_INVALID'
  | 'BLOB_UPLOAD_UNKNOWN'
  | 'DENIED'
  | 'DIGEST_INVALID'
  | 'MANIFEST_BLOB_UNKNOWN'
  | 'MANIFEST_INVALID'
  | 'MANIFEST_UNKNOWN'
  | 'NAME_INVALID'
  | 'NAME_UNKNOWN'
  | 'RANGE_INVALID'
  | 'SIZE_INVALID'
  | 'TAG_INVALID'
  | 'TOOMANYREQUESTS'
  | 'UNAUTHORIZED'
  | 'UNAVAILABLE'
  | 'UNKNOWN'
  | 'UNSUPPORTED'

const usualStatus: Record<ErrorCode, number> = {
  BLOB_UNKNOWN: 404,
  BLOB_UPLOAD_INVALID: 400,
  BLOB_UPLOAD_UNKNOWN: 404,
  DENIED: 403,
  DIGEST_INVALID: 400,
  MANIFEST_BLOB_UNKNOWN: 404,
  MANIFEST_INVALID: 400,
  MANIFEST_UNKNOWN: 404,
  NAME_INVALID: 400,
  NAME_UNKNOWN: 404,
  RANGE_INVALID: 416,
  SIZE_INVALID: 400,
  TAG_INVALID: 400,
  TOOMANYREQUESTS: 429,
  UNAUTHORIZED: 401,
  UNAVAILABLE: 503,
  UNKNOWN: 500,
  UNSUPPORTED: 405,
}

export interface RegistryErrorOptions extends ErrorOptions {
  /** Where it differs from the code's usual one. */
  readonly status?: number
  /** A short string or absent: clients print it raw (clients.md, section 3.3). */
  readonly detail?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Which rule of this mirror's own refused, for the metric. */
  readonly rejection?: string
}

export function isErrorCode(text: unknown): text is ErrorCode {
  return typeof text === 'string' && Object.hasOwn(usualStatus, text)
}

export class RegistryError extends Error {
  override readonly name = 'RegistryError'
  readonly code: ErrorCode
  readonly status: number
  readonly detail: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly rejection: string | undefined

  /** `message` is one sentence for the person at the client: what is wrong and what to do next. */
  constructor(code: ErrorCode, message: string, options: RegistryErrorOptions = {}) {
    super(message, options)
    this.code = code
    this.status = options.status ?? usualStatus[code]
    this.detail = options.detail
    this.headers = options.headers ?? {}
    this.rejection = options.rejection
  }
}

/** The upstream says that there is no such thing. */
export function isUnknown(error: unknown): boolean {
  return error instanceof RegistryError && error.status === 404
}

/** The upstream does not show it: Docker Hub and others say so of what does not exist, too. */
export function isDenied(error: unknown): boolean {
  return error instanceof RegistryError && error.code === 'DENIED'
}

/** The OCI error body; without body for HEAD, but with the same headers. */
export function toErrorResponse(error: RegistryError, isHead: boolean): Response {
  const { code, message, detail } = error
  const body = new TextEncoder().encode(
    JSON.stringify({
      errors: [detail === undefined ? { code, message } : { code, message, detail }],
    }),
  )
  return new Response(isHead ? null : body, {
    status: error.status,
    headers: {
      'content-type': 'application/json',
      'content-length': String(body.byteLength),
      'docker-distribution-api-version': 'registry/2.0',
      'x-content-type-options': 'nosniff',
      ...error.headers,
    },
  })
}
