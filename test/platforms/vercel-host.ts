/**
 * `node vercel-host.ts node|edge FILE PORT`: serves a function as Vercel's build left it, on loopback, in the
 * place of Vercel's own proxy. The function gets this process's environment.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { readFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream as NodeReadableStream } from 'node:stream/web'
import { pathToFileURL } from 'node:url'
import { EdgeRuntime } from 'edge-runtime'

interface NodeFunction {
  readonly default: { fetch(request: Request): Promise<Response> }
}

type Serve = (incoming: IncomingMessage) => Promise<Response>

/**
 * Where the function's own Content-Length goes past edge-runtime, whose `dispatchFetch` drops it: a server that
 * copied it onto a body which fetch had decoded would lie. Vercel's proxy has no such step between the function
 * and the client, and the core sets the length of bytes that nobody decodes. This host is strict about it: a
 * body of another length breaks the connection.
 */
const lengthHeader = 'x-vercel-host-content-length'

const [runtime, file = '', port] = process.argv.slice(2)
const serve = runtime === 'edge' ? await edgeFunction() : await nodeFunction()
const server = createServer((incoming, outgoing) => {
  outgoing.strictContentLength = true
  answer(incoming, outgoing).catch((error: unknown) => {
    console.error(error)
    outgoing.destroy()
  })
})
server.listen(Number(port), '127.0.0.1')

async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const response = await serve(incoming)
  const { [lengthHeader]: length, ...headers } = Object.fromEntries(response.headers)
  outgoing.writeHead(response.status, {
    ...headers,
    ...(length !== undefined && { 'content-length': length }),
  })
  if (response.body === null) outgoing.end()
  else await pipeline(Readable.fromWeb(response.body as NodeReadableStream), outgoing)
}

async function nodeFunction(): Promise<Serve> {
  const { default: entry } = (await import(pathToFileURL(file).href)) as NodeFunction
  return async (incoming) => {
    const { url, init } = await toRequest(incoming)
    return entry.fetch(new Request(url, init))
  }
}

/** edge-runtime runs scripts: what Vercel makes of the module's export is made of it here. */
async function edgeFunction(): Promise<Serve> {
  const module = await readFile(file, 'utf8')
  const script = module.replace(/export\{([\w$]+) as default\};/, (_, name: string) => {
    return `addEventListener('fetch', (event) => event.respondWith(
      ${name}(event.request, { waitUntil: (work) => event.waitUntil(work) }).then((response) => {
        const length = response.headers.get('content-length');
        if (length === null) return response;
        const { status, body } = response;
        const headers = new Headers(response.headers);
        headers.set('${lengthHeader}', length);
        return new Response(body, { status, headers });
      })));`
  })
  if (script === module) throw new Error('the module exports no handler')
  const environment = JSON.stringify({ env: process.env })
  // In a function, as a module has a scope of its own: a script's variables are the global object's, which is slow.
  const initialCode = `globalThis.process = ${environment};\n(() => {\n${script}\n})();`
  const edge = new EdgeRuntime({ initialCode })
  return async (incoming) => {
    const { url, init } = await toRequest(incoming)
    return edge.dispatchFetch(url, init)
  }
}

/** With its body whole, if it has one. Vercel's proxy tells the client's address. */
async function toRequest(incoming: IncomingMessage): Promise<{
  readonly url: string
  readonly init: RequestInit & { readonly method: string; readonly headers: Record<string, string> }
}> {
  const { method = 'GET', url = '/', headers, socket } = incoming
  const sent: Record<string, string> = { 'x-real-ip': socket.remoteAddress ?? '' }
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && name !== 'x-real-ip') sent[name] = [value].flat().join(', ')
  }
  const address = `http://${headers.host ?? 'localhost'}${url}`
  if (method === 'GET' || method === 'HEAD')
    return { url: address, init: { method, headers: sent } }
  const body = new Uint8Array(await buffer(incoming))
  return { url: address, init: { method, headers: sent, body } }
}
