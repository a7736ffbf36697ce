import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { getRequestListener, RequestError, type HttpBindings } from '@hono/node-server'
import type { Logger, Pullway, RequestContext } from '@pullway/core'
import { createSender, type AnswerProgress } from './answer.ts'
import { createBufferPool } from './buffers.ts'
import type { Connections } from './connections.ts'
import { createRefusal } from './refusal.ts'

export interface ListenerOptions {
  readonly pullway: Pick<Pullway, 'fetch'>
  readonly logger: Logger
  readonly connections: Connections
  readonly waitUntil: (work: Promise<unknown>) => void
  readonly isStopping: () => boolean
}

const proxyRefusal = createRefusal(
  400,
  'Pullway is a mirror, not an HTTP proxy: ask it for a path such as /v2/.',
  'UNSUPPORTED',
)

export function createListener(options: ListenerOptions): RequestListener {
  const { connections, isStopping } = options
  const serve = createServe(options)

  const begin: RequestListener = (incoming, outgoing) => {
    if (outgoing.destroyed) return
    const { socket } = incoming
    connections.begin(socket)
    // `on`, as there is one close only: `once` costs a wrapper more.
    outgoing.on('close', () => connections.end(socket))
    if (isStopping()) outgoing.shouldKeepAlive = false
    if (incoming.url?.startsWith('/')) {
      void serve(incoming, outgoing)
      return
    }
    outgoing.writeHead(proxyRefusal.status, proxyRefusal.headers).end(proxyRefusal.body)
  }

  return (incoming, outgoing) => {
    // A pipelined request has no socket until its turn. To begin before would let one packet open a thousand
    // files, and Node does not tell such an answer that its client has gone.
    if (outgoing.socket !== null) begin(incoming, outgoing)
    else outgoing.once('socket', () => setImmediate(begin, incoming, outgoing))
  }
}

function createServe(options: ListenerOptions): ReturnType<typeof getRequestListener> {
  const { pullway, logger, waitUntil } = options
  const listener = getRequestListener(
    (request, bindings) => {
      // Without HTTP/2 there are no other bindings.
      const { incoming, outgoing } = bindings as HttpBindings
      const progress: AnswerProgress = { bodyBytes: 0, pieceBytes: 0 }
      const context = createContext(incoming, outgoing, progress, waitUntil)
      return pullway
        .fetch(request, context)
        .then((response) => send(response, { incoming, outgoing, progress }))
    },
    // Only HTTP/1.0 clients come without a Host header: load balancers that ask for /healthz.
    { hostname: 'localhost', errorHandler: (error) => answerError(error, logger) },
  )
  // After getRequestListener, which replaces the global Response.
  const send = createSender(createBufferPool(), logger)
  return listener
}

function createContext(
  { socket }: IncomingMessage,
  outgoing: ServerResponse,
  progress: AnswerProgress,
  waitUntil: (work: Promise<unknown>) => void,
): RequestContext {
  const { remoteAddress } = socket
  return {
    ...(remoteAddress === undefined ? {} : { clientAddress: withoutMapping(remoteAddress) }),
    waitUntil,
    whenSent(listener) {
      const tell = (): void => {
        const isComplete = outgoing.writableFinished
        listener(progress.bodyBytes + (isComplete ? progress.pieceBytes : 0), isComplete)
      }
      if (outgoing.closed) tell()
      else outgoing.on('close', tell)
    },
  }
}

/** On a dual-stack socket an IPv4 client comes as `::ffff:192.0.2.1` (RFC 4291, section 2.5.5.2). */
function withoutMapping(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}

function answerError(error: unknown, logger: Logger): Response {
  const isClientsFault = error instanceof RequestError
  if (!isClientsFault) logger.error('A request failed', { error: String(error) })
  const { status, headers, body } = isClientsFault
    ? createRefusal(400, `The request cannot be read: ${error.message}.`)
    : createRefusal(500, 'Pullway failed; its log says more.')
  return new Response(body, { status, headers })
}
