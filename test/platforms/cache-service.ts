import { createServer } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { findFreePort } from '../clients/port.ts'

export interface CacheService {
  /** `host:port` for workerd's `cacheApiOutbound`. */
  readonly address: string
  stop(): Promise<void>
}

interface Kept {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** What is behind workerd's Cache API: it puts whole responses, as messages, and asks for them by GET. */
export async function startCacheService(): Promise<CacheService> {
  const kept = new Map<string, Kept>()
  const server = createServer((request, response) => {
    const key = `${request.headers.host ?? ''}${request.url ?? ''}`
    if (request.method === 'PUT') {
      void buffer(request).then((message) => {
        kept.set(key, parseMessage(message))
        response.writeHead(204).end()
      })
      return
    }
    const found = kept.get(key)
    if (found) response.writeHead(200, { ...found.headers, 'cf-cache-status': 'HIT' })
    else response.writeHead(504, { 'cf-cache-status': 'MISS' })
    response.end(found?.body)
  })
  const port = await findFreePort()
  await new Promise<void>((resolve) => void server.listen(port, '127.0.0.1', resolve))
  return {
    address: `127.0.0.1:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function parseMessage(message: Buffer): Kept {
  const end = message.indexOf('\r\n\r\n')
  const lines = message.subarray(0, end).toString('latin1').split('\r\n').slice(1)
  const fields = lines.map((line) => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
  })
  return { headers: Object.fromEntries(fields), body: message.subarray(end + 4) }
}
