/**
 * `node vercel-host.ts node|edge FILE PORT`: serves a function as Vercel's build left it, on loopback, in the
 * place of Vercel's own proxy. The function gets this process's environment.
 */
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { readFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream as NodeReadableStream } from 'node:stream/web'
import { pathToFileURL } from 'node:url'
import { createHandler, EdgeRuntime } from 'edge-runtime'

interface NodeFunction {
  readonly default: { fetch(request: Request): Promise<Response> }
}

const [runtime, file = '', port] = process.argv.slice(2)
const listener = runtime === 'edge' ? await edgeListener() : await nodeListener()
createServer(listener).listen(Number(port), '127.0.0.1')

async function nodeListener(): Promise<RequestListener> {
  const { default: entry } = (await import(pathToFileURL(file).href)) as NodeFunction
  return (incoming, outgoing) => {
    const answer = async (): Promise<void> => {
      const response = await entry.fetch(toRequest(incoming))
      outgoing.writeHead(response.status, Object.fromEntries(response.headers))
      if (response.body === null) outgoing.end()
      else await pipeline(Readable.fromWeb(response.body as NodeReadableStream), outgoing)
    }
    answer().catch((error: unknown) => {
      console.error(error)
      outgoing.destroy()
    })
  }
}

function toRequest(incoming: IncomingMessage): Request {
  const { method = 'GET', url = '/', headers, socket } = incoming
  const hasBody = method !== 'GET' && method !== 'HEAD'
  const request = new Request(`http://${headers.host ?? 'localhost'}${url}`, {
    method,
    ...(hasBody && { body: Readable.toWeb(incoming) as ReadableStream, duplex: 'half' }),
  })
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) request.headers.set(name, [value].flat().join(', '))
  }
  request.headers.set('x-real-ip', socket.remoteAddress ?? '')
  return request
}

/** edge-runtime runs scripts: what Vercel makes of the module's export is made of it here. */
async function edgeListener(): Promise<RequestListener> {
  const module = await readFile(file, 'utf8')
  const script = module.replace(/export\{([\w$]+) as default\};/, (_, name: string) => {
    return `addEventListener('fetch', (event) => event.respondWith(${name}(event.request, {
      waitUntil: (work) => event.waitUntil(work) })));`
  })
  if (script === module) throw new Error('the module exports no handler')
  const environment = JSON.stringify({ env: process.env })
  const edge = new EdgeRuntime({ initialCode: `globalThis.process = ${environment};\n${script}` })
  const { handler } = createHandler({ runtime: edge })
  return (incoming, outgoing) => void handler(incoming, outgoing)
}
