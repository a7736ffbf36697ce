import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RuntimeApi } from './runtime-api.ts'

export interface FunctionUrl {
  readonly url: string
  stop(): Promise<void>
}

/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html, "Function configuration" */
const caps = {
  requestBytes: 6 * 1024 * 1024,
  responseBytes: 200 * 1024 * 1024,
  burstBytes: 6 * 1024 * 1024,
  bytesPerSecond: 2 * 1024 * 1024,
}

/** Turns HTTP into payload 2.0 events, within a Function URL's limits. */
export async function startFunctionUrl(runtime: Pick<RuntimeApi, 'invoke'>): Promise<FunctionUrl> {
  const server = createServer((request, response) => {
    serve(runtime, request, response).catch(() => {
      if (response.headersSent) response.destroy()
      else response.writeHead(502).end('Internal Server Error')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

async function serve(
  runtime: Pick<RuntimeApi, 'invoke'>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readAll(request)
  if (body === undefined) {
    response.writeHead(413, { connection: 'close' }).end()
    return
  }
  const { metadata, body: answer } = await runtime.invoke(toEvent(request, body))
  response.on('close', () => answer.destroy())
  response.writeHead(metadata.statusCode, metadata.headers)
  response.flushHeaders()
  await pump(answer, response)
}

async function pump(answer: Readable, response: ServerResponse): Promise<void> {
  let sent = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    sent += chunk.length
    if (sent > caps.responseBytes) throw new Error('the answer is larger than the platform sends')
    if (sent > caps.burstBytes) await sleep((chunk.length / caps.bytesPerSecond) * 1000)
    if (!response.write(chunk))
      await Promise.race([once(response, 'drain'), once(response, 'close')])
  }
  response.end()
}

async function readAll(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > caps.requestBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function toEvent({ url = '/', headers, method, socket }: IncomingMessage, body: Buffer): object {
  const [rawPath = '/', ...rest] = url.split('?')
  const entries = Object.entries(headers).filter(([name]) => name !== 'cookie')
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath,
    rawQueryString: rest.join('?'),
    headers: Object.fromEntries(entries.map(([name, value]) => [name, [value].flat().join(',')])),
    requestContext: {
      domainName: headers.host ?? 'localhost',
      http: { method, path: rawPath, protocol: 'HTTP/1.1', sourceIp: socket.remoteAddress ?? '' },
    },
    ...(body.length > 0 && { body: body.toString('base64') }),
    isBase64Encoded: body.length > 0,
  }
}
