import { createServer, type Server } from 'node:http'
import { Server as TcpServer, type AddressInfo } from 'node:net'
import type { Clock, Logger, Pullway } from '@pullway/core'
import { trackConnections, type Connections } from './connections.ts'
import { createListener } from './listener.ts'
import { createRefusal, refuseConnection, writeRefusal } from './refusal.ts'

export interface HttpServer {
  readonly url: string
  /**
   * Refuses new connections and lets running answers, and the work they began, finish within the limit.
   * A further call may shorten the limit. Resolves to whether all was finished.
   */
  stop(withinMs: number): Promise<boolean>
}

export interface HttpServerOptions {
  readonly pullway: Pick<Pullway, 'fetch' | 'idle'>
  readonly listen: { readonly host: string; readonly port: number }
  readonly logger: Logger
  readonly clock: Clock
  readonly isStopping: () => boolean
  /** Instead of the usual ones. */
  readonly limits?: Partial<HttpLimits>
}

export interface HttpLimits {
  readonly headersTimeout: number
  readonly requestTimeout: number
  readonly connectionsCheckingInterval: number
  readonly silenceMs: number
}

const limits = {
  // Pulls have no body; their requests then cost no stream.
  optimizeEmptyRequests: true,
  /** Credentials of some registries are tokens of 8 KiB and more. */
  maxHeaderSize: 32 * 1024,
  headersTimeout: 20_000,
  requestTimeout: 60_000,
  connectionsCheckingInterval: 5000,
  keepAliveTimeout: 75_000,
  /** Without a byte in either direction; clients that unpack while they download pause for long. */
  silenceMs: 300_000,
}
/** For a first request that is on its way while the server stops. */
const unusedMs = 1000

const connectRefusal = createRefusal(400, 'Pullway is a mirror, not an HTTP proxy.', 'UNSUPPORTED')

export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { pullway, listen, logger, isStopping } = options
  const works = new Set<Promise<unknown>>()
  const waitUntil = (work: Promise<unknown>): void => {
    const tracked = work
      .catch((error: unknown) =>
        logger.error('Work after an answer failed', { error: String(error) }),
      )
      .finally(() => works.delete(tracked))
    works.add(tracked)
  }

  const { silenceMs, ...own } = { ...limits, ...options.limits }
  const server = createServer(own)
  server.timeout = silenceMs
  const connections = trackConnections(server)
  server.on('request', createListener({ pullway, logger, connections, waitUntil, isStopping }))
  server.on('clientError', (error, socket) =>
    refuseConnection(error, socket, connections.isAnswering(socket)),
  )
  server.on('connect', (_, socket) => writeRefusal(socket, connectRefusal))
  await listening(server, listen)
  server.on('error', (error) => logger.error('The server failed', { error: String(error) }))

  const finish = async (): Promise<void> => {
    await closed(server)
    while (works.size > 0) await Promise.all(works)
    await pullway.idle()
  }
  return { url: urlOf(server), stop: createStop(finish, connections, options.clock) }
}

function createStop(
  finish: () => Promise<void>,
  connections: Connections,
  clock: Clock,
): HttpServer['stop'] {
  const end = new AbortController()
  let stopped: Promise<boolean> | undefined

  const stop = async (): Promise<boolean> => {
    const finished = finish().then(() => true)
    connections.drain()
    void clock.sleep(unusedMs, end.signal).then(() => connections.closeUnused())
    const isFinished = await Promise.race([finished, aborted(end.signal)])
    connections.closeAll()
    end.abort()
    return isFinished
  }
  return (withinMs) => {
    stopped ??= stop()
    void clock.sleep(withinMs, end.signal).then(() => end.abort())
    return stopped
  }
}

function aborted(signal: AbortSignal): Promise<false> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(false), { once: true })
  })
}

function listening(server: Server, { host, port }: HttpServerOptions['listen']): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    // Without a host Node listens on `::`, and on 0.0.0.0 where the machine has no IPv6.
    server.listen(host === '::' ? { port } : { host, port }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/** Not http.Server's own close, which also ends what it takes for idle connections (connections.ts). */
function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    TcpServer.prototype.close.call(server, () => resolve())
  })
}

function urlOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}
