/** What a Function URL hands on of an HTTP request: payload format 2.0. */
export interface FunctionUrlEvent {
  readonly rawPath: string
  readonly rawQueryString: string
  /** Names in lower case; the values of repeated ones are joined by commas, but for cookies, which are elsewhere. */
  readonly headers: Readonly<Record<string, string>>
  readonly requestContext: {
    readonly domainName: string
    readonly http: { readonly method: string; readonly sourceIp: string }
  }
  readonly body?: string
  readonly isBase64Encoded?: boolean
}

/** Undefined where no Request can say it: methods that the Fetch standard forbids, a host that is none. */
export function toRequest(event: FunctionUrlEvent): Request | undefined {
  const { method } = event.requestContext.http
  const url = toUrl(event)
  const body = bodilessMethods.has(method) ? undefined : toBody(event)
  try {
    return new Request(url, { method, headers: toHeaders(event), ...(body && { body }) })
  } catch {
    return undefined
  }
}

const bodilessMethods: ReadonlySet<string> = new Set(['GET', 'HEAD'])

/** Clients reach a Function URL over TLS only. */
function toUrl({ rawPath, rawQueryString, headers, requestContext }: FunctionUrlEvent): string {
  const host = headers['host'] ?? requestContext.domainName
  const path = rawPath.replace(meaningfulInPath, percentEncode)
  const query = rawQueryString.replace(meaningfulInQuery, percentEncode)
  const authority = hostAndPort.test(host) ? host : requestContext.domainName
  return `https://${authority}/${path.replace(/^\//, '')}${query === '' ? '' : `?${query}`}`
}

const hostAndPort = /^(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i
/** What a URL's parser would drop, or read as the path's end or as another slash. */
const meaningfulInPath = /[\u0000-\u0020?#\\]/g
const meaningfulInQuery = /[\u0000-\u0020#]/g

function percentEncode(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
}

function toHeaders({ headers }: FunctionUrlEvent): Headers {
  const result = new Headers()
  for (const [name, value] of Object.entries(headers)) {
    // No registry and nothing here has sessions.
    if (name === 'cookie') continue
    try {
      result.set(name, value)
    } catch {
      // A header that cannot be said means nothing to anyone behind.
    }
  }
  return result
}

function toBody({ body, isBase64Encoded }: FunctionUrlEvent): Uint8Array<ArrayBuffer> | undefined {
  if (body === undefined) return undefined
  return new Uint8Array(Buffer.from(body, isBase64Encoded === true ? 'base64' : 'utf8'))
}
