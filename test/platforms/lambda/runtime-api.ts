import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Readable } from 'node:stream'

/** Lambda's side of one function: hands invocations to its instances, each of which takes one at a time. */
export interface RuntimeApi {
  /** `127.0.0.1:port`, for AWS_LAMBDA_RUNTIME_API. */
  readonly address: string
  /** Whether an instance waits for work. */
  isReady(): boolean
  /** Rejects when the function ends its answer before it began it. */
  invoke(event: object): Promise<Streamed>
  stop(): Promise<void>
}

export interface Streamed {
  readonly metadata: { readonly statusCode: number; readonly headers: Record<string, string> }
  /** Errors when the function breaks its stream off. */
  readonly body: Readable
}

interface Invocation {
  readonly id: string
  readonly event: string
  readonly resolve: (streamed: Promise<Streamed>) => void
}

const root = '/2018-06-01/runtime/invocation'
const timeoutMs = 60_000

export async function startRuntimeApi(): Promise<RuntimeApi> {
  const waiting: ServerResponse[] = []
  const queue: Invocation[] = []
  const running = new Map<string, Invocation>()
  let serial = 0

  function dispatch(): void {
    const [instance, invocation] = [waiting[0], queue[0]]
    if (!instance || !invocation) return
    waiting.shift()
    queue.shift()
    running.set(invocation.id, invocation)
    instance.writeHead(200, {
      'content-type': 'application/json',
      'lambda-runtime-aws-request-id': invocation.id,
      'lambda-runtime-deadline-ms': String(Date.now() + timeoutMs),
    })
    instance.end(invocation.event)
  }

  const server = createServer((request, response) => {
    const [id = ''] = (request.url ?? '').slice(root.length + 1).split('/')
    if (id === 'next') {
      waiting.push(response)
      response.once('close', () => {
        if (waiting.includes(response)) waiting.splice(waiting.indexOf(response), 1)
      })
      dispatch()
      return
    }
    const invocation = running.get(id)
    running.delete(id)
    request.once('end', () => response.writeHead(202).end())
    if (invocation) invocation.resolve(readStreamed(request))
    else request.resume()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    isReady: () => waiting.length > 0,
    invoke(event) {
      return new Promise((resolve) => {
        queue.push({ id: `invocation-${++serial}`, event: JSON.stringify(event), resolve })
        dispatch()
      })
    },
    stop: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

const delimiter = Buffer.alloc(8)

/** JSON, eight NUL bytes, the body. An answer that ends before has not begun. */
async function readStreamed(request: IncomingMessage): Promise<Streamed> {
  const mode = request.headers['lambda-runtime-function-response-mode']
  const type = request.headers['content-type']
  if (mode !== 'streaming' || type !== 'application/vnd.awslambda.http-integration-response') {
    request.resume()
    throw new Error(`not a streamed answer: ${String(mode)}, ${String(type)}`)
  }
  let head = Buffer.alloc(0)
  for (;;) {
    const chunk = request.read() as Buffer | null
    if (chunk === null) {
      await Promise.race([once(request, 'readable'), once(request, 'close')])
      if (request.readableLength > 0) continue
      request.resume()
      throw new Error('the answer has no metadata')
    }
    head = Buffer.concat([head, chunk])
    const end = head.indexOf(delimiter)
    if (end < 0) continue
    const rest = head.subarray(end + delimiter.length)
    if (rest.length > 0) request.unshift(rest)
    const metadata = JSON.parse(head.toString('utf8', 0, end)) as Streamed['metadata']
    return { metadata, body: request }
  }
}
