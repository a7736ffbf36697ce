import type { LookupFunction } from 'node:net'
import { type Fetch, FetchError, type FetchOptions, isPublicAddress } from '@pullway/core'
import { createConnections, type Connections } from './upstream-connections.ts'
import { exchange, type Exchange, StaleConnectionError } from './exchange.ts'

export interface NodeFetchOptions {
  /** From a name to a connection that TLS has secured, DNS included. */
  readonly connectMs: number
  /** Unlimited when absent. Further requests wait, and their time limits run meanwhile. */
  readonly maxConnectionsPerOrigin?: number
  /** Instead of the system's resolver. */
  readonly lookup?: LookupFunction
}

export interface NodeFetch extends Fetch {
  /** Breaks all connections, also those in use. */
  close(): Promise<void>
}

/** The Fetch port over undici, HTTP/1.1 only: connections are kept, and nothing is limited in time but connecting. */
export function createNodeFetch(options: NodeFetchOptions): NodeFetch {
  const unread = { bytes: 0 }
  const networks: Readonly<Record<FetchOptions['network'], Connections>> = {
    any: createConnections({ ...options, unread, isAllowed: () => true }),
    public: createConnections({ ...options, unread, isAllowed: isPublicAddress }),
  }

  async function fetch(
    request: Request,
    { network, streamsBody }: FetchOptions,
  ): Promise<Response> {
    const connections = networks[network]
    const asked = await toExchange(request, streamsBody === true)
    // What cannot be asked twice must not meet a connection that its server has just closed.
    if (!repeatable.has(request.method)) return exchange(connections.single, asked)
    // undici frees a connection one turn after its answer's end: a request that comes sooner would open another.
    await new Promise((resolve) => setImmediate(resolve))
    try {
      return await exchange(connections.kept, asked)
    } catch (error) {
      if (!(error instanceof StaleConnectionError)) throw error
      return exchange(connections.single, asked)
    }
  }

  return Object.assign(fetch, {
    close: async () => {
      await Promise.all(Object.values(networks).map((connections) => connections.close()))
    },
  })
}

const repeatable: ReadonlySet<string> = new Set(['GET', 'HEAD'])

async function toExchange(request: Request, streamsBody: boolean): Promise<Exchange> {
  const url = new URL(request.url)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new FetchError('unreachable', `No way to reach ${url.protocol} addresses`)
  }
  return {
    request,
    origin: url.origin,
    path: url.pathname + url.search,
    body: streamsBody ? request.body : await readWhole(request),
  }
}

/** Forms, manifests and parts: token services and stores want their length. */
async function readWhole(request: Request): Promise<Uint8Array | null> {
  return request.body === null ? null : new Uint8Array(await request.arrayBuffer())
}
