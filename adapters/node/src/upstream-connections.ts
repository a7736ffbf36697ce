import dns from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { FetchError } from '@pullway/core'
import { Agent, buildConnector, type Dispatcher } from 'undici'
import { findExhaustion } from './exhaustion.ts'
import type { Unread } from './upstream-body.ts'

export interface ConnectionPool {
  readonly dispatcher: Dispatcher
  /** True while a new connection gets its first request, so that a request can tell whether it has an old one. */
  isOpening(): boolean
  /** What bodies share, over all pools. */
  readonly unread: Unread
}

export interface Connections {
  /** Connections are kept for the next request. */
  readonly kept: ConnectionPool
  /** A new connection each time. */
  readonly single: ConnectionPool
  close(): Promise<void>
}

export interface ConnectionsOptions {
  readonly connectMs: number
  readonly maxConnectionsPerOrigin?: number
  readonly lookup?: LookupFunction
  readonly unread: Unread
  /** Whether an address may be dialled. */
  readonly isAllowed: (address: string) => boolean
}

/** A socket reads nothing while its last chunk is not taken: what waits, waits in the system. */
const readsOnDemand = { highWaterMark: undefined, readableHighWaterMark: 0 }
/** Less than the 60 s after which common load balancers close, and long enough for a pull's pauses. */
const keepAliveMilliseconds = 30_000

export function createConnections(options: ConnectionsOptions): Connections {
  const kept = createPool(options, 1)
  // undici keeps no connection without pipelining.
  const single = createPool(options, 0)
  return {
    kept,
    single,
    close: async () => {
      await Promise.all([kept.dispatcher.destroy(), single.dispatcher.destroy()])
    },
  }
}

function createPool(options: ConnectionsOptions, pipelining: 0 | 1): ConnectionPool {
  const connect = createConnector(options)
  let isOpening = false
  const dispatcher = new Agent({
    connect: (target, callback) => {
      connect(target, (...result) => {
        // undici writes the first request before this callback returns.
        isOpening = true
        callback(...result)
        isOpening = false
      })
    },
    connections: options.maxConnectionsPerOrigin ?? null,
    pipelining,
    allowH2: false,
    keepAliveTimeout: keepAliveMilliseconds,
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  return { dispatcher, isOpening: () => isOpening, unread: options.unread }
}

function createConnector(options: ConnectionsOptions): buildConnector.connector {
  const { connectMs, isAllowed, lookup = dns.lookup } = options
  const connect = buildConnector({
    ...readsOnDemand,
    timeout: connectMs,
    allowH2: false,
    lookup: onlyAllowed(lookup, isAllowed),
  })
  return (target, callback) => {
    // Nothing is looked up for an address.
    if (isIP(target.hostname) === 0 || isAllowed(target.hostname)) {
      connect(target, callback)
      return
    }
    queueMicrotask(() => callback(forbidden(target.hostname), null))
  }
}

/** What it gives is what is dialled: no second look-up could give another address than the one checked. */
function onlyAllowed(
  lookup: LookupFunction,
  isAllowed: (address: string) => boolean,
): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      // A failed look-up calls back with nothing else.
      if (error) {
        void findExhaustion().then((exhaustion) => callback(exhaustion ?? error, []))
        return
      }
      const addresses = typeof found === 'string' ? [] : found
      const allowed = addresses.filter(({ address }) => isAllowed(address))
      const [first] = allowed
      if (first === undefined) {
        callback(forbidden(hostname), [])
      } else if (options.all === true) {
        callback(null, allowed)
      } else {
        callback(null, first.address, first.family)
      }
    })
  }
}

function forbidden(host: string): FetchError {
  return new FetchError('forbidden-address', `${host} is not on the public internet`)
}
