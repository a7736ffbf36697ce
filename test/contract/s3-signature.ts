import { createHash, createHmac } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

export interface Refusal {
  readonly status: number
  readonly code: string
}

interface Signature {
  readonly credential: string
  readonly signedHeaders: string
  readonly signature: string
  readonly date: string
}

/**
 * Why S3 would refuse what came over the wire, after "Authenticating Requests (AWS Signature Version 4)"; made
 * from the bytes of the request line, so that nothing is mended on the way. The body's hash is not compared.
 */
export function refusalOf(request: IncomingMessage, secretAccessKey: string): Refusal | undefined {
  const [path = '', search = ''] = (request.url ?? '').split('?')
  const query = new Map(search.split('&').filter(Boolean).map(toPair))
  const given = query.has('X-Amz-Signature') ? fromQuery(query) : fromHeader(request)
  if (given === undefined) return { status: 403, code: 'AccessDenied' }
  // s3rver itself looks at the key's name and the time.
  query.delete('X-Amz-Signature')
  const [, day = '', region = '', service = ''] = given.credential.split('/')
  const headers = given.signedHeaders
    .split(';')
    .map((name) => `${name}:${String(request.headers[name] ?? '').trim()}\n`)
  const unsigned = Object.keys(request.headers).some(
    (name) => name.startsWith('x-amz-') && !given.signedHeaders.split(';').includes(name),
  )
  const canonical = [
    request.method,
    path,
    [...query]
      .map(([name, value]) => `${name}=${value}`)
      .sort()
      .join('&'),
    headers.join(''),
    given.signedHeaders,
    request.headers['x-amz-content-sha256'] ?? 'UNSIGNED-PAYLOAD',
  ].join('\n')
  const scope = `${day}/${region}/${service}/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', given.date, scope, sha256(canonical)].join('\n')
  const key = [day, region, service, 'aws4_request'].reduce<string | Buffer>(
    (former, part) => hmac(former, part),
    `AWS4${secretAccessKey}`,
  )
  if (unsigned || hmac(key, toSign).toString('hex') !== given.signature) {
    return { status: 403, code: 'SignatureDoesNotMatch' }
  }
  return undefined
}

function toPair(text: string): [string, string] {
  const [name = '', value = ''] = text.split('=')
  return [name, value]
}

function fromQuery(query: ReadonlyMap<string, string>): Signature {
  const get = (name: string): string => decodeURIComponent(query.get(name) ?? '')
  return {
    credential: get('X-Amz-Credential'),
    signedHeaders: get('X-Amz-SignedHeaders'),
    signature: get('X-Amz-Signature'),
    date: get('X-Amz-Date'),
  }
}

function fromHeader({ headers }: IncomingMessage): Signature | undefined {
  const form = /^AWS4-HMAC-SHA256 Credential=(.+), SignedHeaders=(.+), Signature=(\w+)$/
  const [, credential, signedHeaders, signature] = form.exec(headers.authorization ?? '') ?? []
  if (!credential || !signedHeaders || !signature) return undefined
  return { credential, signedHeaders, signature, date: String(headers['x-amz-date']) }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
