import { once } from 'node:events'
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import { toDigest } from '../clients/digest.ts'
import type { Content } from '../clients/upstream/images.ts'

/** What a client got, in one word, and how long that took. */
export interface Outcome {
  /** A status, or what `200` was: see `nameOf`. */
  readonly word: string
  readonly seconds: number
  readonly secondsToHeaders: number
}

export interface Wanted {
  readonly url: string
  readonly content: Content
  readonly kind: 'manifest' | 'blob'
}

const patienceMs = 40_000

/** Asks once, on a connection of its own, and holds the answer to its promises. */
export async function ask(wanted: Wanted): Promise<Outcome> {
  const begin = performance.now()
  const since = (): number => (performance.now() - begin) / 1000
  let answer: IncomingMessage
  try {
    const sent = request(wanted.url, {
      agent: false,
      headers: { accept: '*/*' },
      signal: AbortSignal.timeout(patienceMs),
    })
    sent.end()
    ;[answer] = (await once(sent, 'response')) as [IncomingMessage]
  } catch (error) {
    const word = (error as Error).name === 'AbortError' ? 'silence' : 'cut'
    return { word, seconds: since(), secondsToHeaders: since() }
  }
  const secondsToHeaders = since()
  const { body, isWhole } = await read(answer)
  return { word: nameOf(answer, body, isWhole, wanted), seconds: since(), secondsToHeaders }
}

async function read(answer: IncomingMessage): Promise<{ body: Buffer; isWhole: boolean }> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk)
  } catch {
    return { body: Buffer.concat(chunks), isWhole: false }
  }
  return { body: Buffer.concat(chunks), isWhole: answer.complete }
}

function nameOf(
  { statusCode = 0, headers }: IncomingMessage,
  body: Buffer,
  isWhole: boolean,
  { content, kind }: Wanted,
): string {
  if (!isWhole) return 'cut'
  if (statusCode !== 200) return nameError(statusCode, headers, body, kind)
  if (toDigest(body) !== content.digest) return 'WRONG BYTES'
  if (headers['docker-content-digest'] !== content.digest) return 'WRONG DIGEST'
  if (kind === 'manifest' && headers['content-type'] !== content.mediaType) return 'WRONG TYPE'
  const status = String(headers['cache-status'])
  if (/; hit(;|$)/.test(status) && !/stale/.test(status)) return 'hit'
  if (headers['warning'] === undefined) return '200'
  return /^299 - ".+"$/.test(headers['warning']) ? 'stale' : 'WRONG WARNING'
}

const codes: Readonly<Record<number, readonly string[]>> = {
  403: ['DENIED'],
  404: ['MANIFEST_UNKNOWN', 'BLOB_UNKNOWN', 'NAME_UNKNOWN'],
  429: ['TOOMANYREQUESTS'],
  503: ['UNAVAILABLE'],
  504: ['UNAVAILABLE'],
}

/** The status alone, where all else is as clients need it (clients.md, section 8). */
function nameError(
  status: number,
  headers: IncomingHttpHeaders,
  body: Buffer,
  kind: Wanted['kind'],
): string {
  const code = codeOf(body)
  if (code === undefined) return `${status} WITHOUT CODE`
  const isOther = code === (kind === 'blob' ? 'MANIFEST_UNKNOWN' : 'BLOB_UNKNOWN')
  if (codes[status]?.includes(code) !== true || isOther) return `${status} ${code}`
  const wait = Number(headers['retry-after'])
  if (status === 429 && !(wait >= 1 && wait <= 60)) return '429 WITHOUT WAIT'
  return String(status)
}

function codeOf(body: Buffer): string | undefined {
  try {
    const { errors } = JSON.parse(body.toString()) as {
      errors: { code: string; message: string }[]
    }
    const [error, ...others] = errors
    return others.length === 0 && error && error.message !== '' ? error.code : undefined
  } catch {
    return undefined
  }
}
