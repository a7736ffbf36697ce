/** A scripted answer. In texts `{name}`, `{reference}` and `{digest}` stand for what was asked for. */
export interface Answer {
  readonly status: number
  readonly contentType?: string
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Adds the repository's challenge; `insufficient` with the addition for a token that was too weak. */
  readonly challenge?: 'plain' | 'insufficient'
}

export type Words = Readonly<Record<string, string>>

export function fillIn(text: string, words: Words): string {
  return text.replace(/\{(\w+)\}/g, (placeholder, word: string) => words[word] ?? placeholder)
}

/** What a part of the fake answers, before the connection's faults are laid over it. */
export interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Leaves Content-Length away. */
  readonly hidesLength?: boolean
}

export function toReply(answer: Answer, words: Words): Reply {
  const headers = new Headers(answer.headers)
  if (answer.contentType !== undefined) headers.set('content-type', answer.contentType)
  const bytes = new TextEncoder().encode(fillIn(answer.body ?? '', words))
  return { status: answer.status, headers, bytes }
}

const json = 'application/json'

const html = 'text/html; charset=utf-8'

/** The forms that registries are known to use for "no" (registries.md, 1.3, 2, 4, 15, 16 and 19b). */
export const answers = {
  unauthorized: {
    status: 401,
    contentType: json,
    challenge: 'insufficient',
    body: '{"errors":[{"code":"UNAUTHORIZED","message":"authentication required","detail":[{"Type":"repository","Class":"","Name":"{name}","Action":"pull"}]}]}\n',
  },
  unauthorizedHtml: { status: 401, contentType: html, challenge: 'plain', body: 'true\n' },
  bareUnauthorized: { status: 401, contentType: json, body: '{"errors":[]}' },
  tokenDetails: {
    status: 401,
    contentType: json,
    body: '{"details":"incorrect username or password"}\n',
  },
  tokenErrors: {
    status: 401,
    contentType: json,
    body: '{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}',
  },
  denied: {
    status: 403,
    contentType: json,
    body: '{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}',
  },
  manifestUnknown: {
    status: 404,
    contentType: json,
    body: '{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":{"Tag":"{reference}"}}]}',
  },
  manifestUnknownTextDetail: {
    status: 404,
    contentType: json,
    body: '{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":"unknown tag={reference}"}]}\n',
  },
  manifestUnknownQuay: {
    status: 404,
    contentType: json,
    body: '{"errors":[{"code":"MANIFEST_UNKNOWN","detail":{},"message":"manifest unknown"}]}\n',
  },
  nameUnknown: {
    status: 404,
    contentType: json,
    body: '{"errors":[{"code":"NAME_UNKNOWN","message":"repository name not known to registry","detail":{"name":"{name}"}}]}',
  },
  notFoundCode: {
    status: 404,
    contentType: json,
    body: '{"errors":[{"code":"NOT_FOUND","message":"artifact {name}:{reference} not found"}]}',
  },
  numericCode: {
    status: 404,
    contentType: json,
    body: '{"errors": [{"code": "404", "message": "Not Found"}]}',
  },
  notFoundText: {
    status: 404,
    contentType: 'text/plain; charset=utf-8',
    body: 'Not found',
    headers: { 'x-docker-size': '-1' },
  },
  blobUnknown: {
    status: 404,
    contentType: json,
    body: '{"errors":[{"code":"BLOB_UNKNOWN","message":"blob unknown to registry","detail":{"digest":"{digest}"}}]}',
  },
  webPage: {
    status: 200,
    contentType: html,
    body: '<!DOCTYPE html><html><head><title>Harbor</title></head><body></body></html>',
  },
  blockPage: {
    status: 403,
    contentType: 'text/html; charset=UTF-8',
    headers: { server: 'cloudflare', 'cache-control': 'private, max-age=0, no-store' },
    body: '<!DOCTYPE html><html lang="en-US"><head><title>Just a moment...</title></head><body></body></html>',
  },
  accessDeniedPage: {
    status: 200,
    contentType: 'text/html; charset=UTF-8',
    body: '<!DOCTYPE html><html><head><title>Access denied</title></head><body></body></html>',
  },
  wafPage: {
    status: 403,
    contentType: 'text/html',
    body: '<html><head><title>403 Forbidden</title></head><body><h1>Error: Forbidden</h1></body></html>',
  },
  authHeaderNotAllowed: {
    status: 400,
    contentType: 'application/xml',
    body: '<?xml version="1.0" encoding="UTF-8"?><Error><Code>InvalidArgument</Code><Message>Only one auth mechanism allowed</Message></Error>',
  },
  signatureExpired: {
    status: 403,
    contentType: 'application/xml',
    body: '<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>',
  },
  tooManyRequests: {
    status: 429,
    contentType: json,
    body: '{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit"}]}',
  },
  tooManyRequestsText: {
    status: 429,
    contentType: 'text/plain; charset=utf-8',
    body: 'Too Many Requests (HAP429).\n',
  },
  tooManyRequestsMicroseconds: {
    status: 429,
    contentType: json,
    body: '{"errors":[{"code":"TOOMANYREQUESTS","message":"retry-after: 218.093us, allowed: 44000/minute"}]}',
  },
  tooMuchData: {
    status: 429,
    contentType: json,
    body: '{"errors":[{"code":"TOOMANYREQUESTS","message":"Data limit exceeded"}]}',
  },
  serverError: { status: 500, contentType: 'text/plain', body: 'Internal Server Error' },
  badGateway: { status: 502, contentType: html, body: '<html><body>502 Bad Gateway</body></html>' },
  unavailable: { status: 503, contentType: html, body: '<html><body>503</body></html>' },
  gatewayTimeout: { status: 504, contentType: html, body: '<html><body>504</body></html>' },
  methodNotAllowed: {
    status: 405,
    contentType: json,
    body: '{"errors":[{"code":"UNSUPPORTED","message":"The operation is unsupported."}]}',
  },
  badRequest: { status: 400, contentType: json, body: '{"errors":[{"code":"UNSUPPORTED"}]}' },
  notFoundPage: { status: 404, contentType: 'text/plain', body: '404 page not found\n' },
} as const satisfies Record<string, Answer>
