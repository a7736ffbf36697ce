import { once } from 'node:events'
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'
import type { Gate } from './gate.ts'

export type Host = 'registry' | 'cdn' | 'token'

/** One request that an upstream's host was asked. */
export interface Asked {
  readonly host: Host
  readonly kind: 'manifest' | 'blob' | 'tags' | 'referrers' | 'other'
  readonly method: string
  readonly path: string
  readonly authorization: string | undefined
  readonly userAgent: string | undefined
  status: number
  /** Body bytes that went out. */
  bytes: number
}

export interface Door {
  readonly port: number
  readonly url: string
  /** Refuses connections and cuts those that are open. */
  off(): Promise<void>
  on(): Promise<void>
}

const kinds = [
  [/\/manifests\//, 'manifest'],
  [/\/blobs\//, 'blob'],
  [/\/tags\/list/, 'tags'],
  [/\/referrers\//, 'referrers'],
] as const

/** A listener on a free port that can be switched off and on again, at the same port. */
export async function openDoor(listener: RequestListener): Promise<Door> {
  const server = createServer(listener)
  const on = async (port: number): Promise<void> => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  }
  await on(0)
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    off: async () => {
      if (!server.listening) return
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
    on: () => (server.listening ? Promise.resolve() : on(port)),
  }
}

/** Passes everything on to a port of this machine, byte for byte, and notes what was asked. */
export function forwardTo(host: Host, port: number, asked: Asked[], gate: Gate): RequestListener {
  return (request, response) => {
    const note = noteRequest(host, request)
    asked.push(note)
    const onward = httpRequest({
      host: '127.0.0.1',
      port,
      method: request.method,
      path: request.url,
      headers: request.rawHeaders,
    })
    onward.on('error', () => response.destroy())
    onward.on('response', (answer) => {
      note.status = answer.statusCode ?? 0
      response.writeHead(note.status, answer.rawHeaders)
      pump(answer, response, note, gate).catch(() => response.destroy())
    })
    response.on('close', () => onward.destroy())
    request.pipe(onward)
  }
}

export function noteRequest(host: Host, { method, url, headers }: IncomingMessage): Asked {
  const path = url ?? ''
  return {
    host,
    kind: kinds.find(([pattern]) => pattern.test(path))?.[1] ?? 'other',
    method: method ?? '',
    path,
    authorization: headers.authorization,
    userAgent: headers['user-agent'],
    status: 0,
    bytes: 0,
  }
}

function pump(
  answer: IncomingMessage,
  response: ServerResponse,
  note: Asked,
  gate: Gate,
): Promise<void> {
  const count = async function* (body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of body) {
      note.bytes += chunk.byteLength
      yield chunk
      await gate.pass(note.bytes)
    }
  }
  return pipeline(answer, count, response)
}
