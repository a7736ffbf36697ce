import { once } from 'node:events'
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server as HttpServer,
  type ServerResponse,
} from 'node:http'
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from 'node:net'
import { onTestFinished } from 'vitest'

export interface Peer {
  readonly port: number
  readonly origin: string
  /** Connections so far. */
  readonly connections: () => number
  /** Connections that are open. */
  readonly open: () => number
}

export type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** An HTTP server for the running test. */
export async function startPeer(answer: Answer): Promise<Peer> {
  return listen(createHttpServer({ keepAliveTimeout: 0 }, answer))
}

/** A server that speaks whatever the test makes it speak; `index` counts its connections from 0. */
export async function startRawPeer(speak: (socket: Socket, index: number) => void): Promise<Peer> {
  let index = 0
  return listen(createTcpServer((socket) => speak(socket, index++)))
}

export async function listen(server: Server | HttpServer): Promise<Peer> {
  let connections = 0
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    connections += 1
    sockets.add(socket)
    // A client may break off whenever it likes.
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const { port } = server.address() as AddressInfo
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    connections: () => connections,
    open: () => sockets.size,
  }
}

/** A port on which nothing listens any more. */
export async function closedPort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
