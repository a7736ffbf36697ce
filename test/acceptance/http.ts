import { once } from 'node:events'
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'

export interface Question {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** With its length and type in the headers. */
  readonly body?: string | Buffer
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** Whether the body came to its end as announced. */
  readonly isWhole: boolean
  /** The links to which the mirror sent the client. */
  readonly links: readonly string[]
  readonly seconds: number
}

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
const maxLinks = 5

/**
 * Asks as registry clients do: a redirect is followed by hand, without Authorization at another origin. The
 * path goes out as it is written. Each request has a connection of its own.
 */
export async function ask(url: string, question: Question = {}): Promise<Answer> {
  const begin = performance.now()
  const links: string[] = []
  let at = url
  for (;;) {
    const { method = 'GET', headers = {}, body: sent } = question
    const own = links.length === 0 ? headers : withoutOwn(headers)
    const response = await send(at, method, own, sent)
    const { statusCode: status = 0, headers: answered } = response
    const { body, isWhole } = await read(response)
    if (!redirects.has(status) || answered.location === undefined || links.length === maxLinks) {
      const seconds = (performance.now() - begin) / 1000
      return { status, headers: answered, body, isWhole, links, seconds }
    }
    at = new URL(answered.location, at).href
    links.push(at)
  }
}

async function send(
  url: string,
  method: string,
  headers: Readonly<Record<string, string>>,
  body: string | Buffer | undefined,
): Promise<IncomingMessage> {
  const [, host, port, path] = /^http:\/\/([^/:]+):(\d+)(\/.*)$/.exec(url) ?? []
  if (path === undefined) throw new Error(`no address of this machine: ${url}`)
  const signal = AbortSignal.timeout(50_000)
  const sent = request({ host, port, path, method, headers, agent: false, signal })
  sent.end(body)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  return response
}

async function read(response: IncomingMessage): Promise<{ body: Buffer; isWhole: boolean }> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk)
  } catch {
    return { body: Buffer.concat(chunks), isWhole: false }
  }
  return { body: Buffer.concat(chunks), isWhole: response.complete }
}

function withoutOwn(headers: Readonly<Record<string, string>>): Record<string, string> {
  const own = ['authorization', 'host', 'cookie']
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !own.includes(name.toLowerCase())),
  )
}
