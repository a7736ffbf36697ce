import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream as NodeReadableStream } from 'node:stream/web'
import { createFakeRegistry, type FakeRegistry } from '../fakes/registry/index.ts'

export interface LoopbackRegistry {
  readonly registry: FakeRegistry
  readonly url: string
  /** Where its token realm and its blobs are: a host that the mirror must be told to trust. */
  readonly otherHost: string
  stop(): Promise<void>
}

/** The fake registry on sockets: tokens from another host, and blobs by redirect to that. */
export async function startLoopbackRegistry(): Promise<LoopbackRegistry> {
  const servers = [createServer(), createServer()] as const
  const [host, otherHost] = [await listen(servers[0]), await listen(servers[1])]
  const realm = `http://${otherHost}/token`
  const challenge = `Bearer realm="${realm}",service="registry.test"`
  const registry = createFakeRegistry({
    hosts: [host],
    token: { realm },
    challenge: { ping: [challenge], repository: [`${challenge},scope="repository:{name}:pull"`] },
    blobs: {
      hops: [{ status: 307, location: `http://${otherHost}/blobs/{hex}?{serial}`, body: 'empty' }],
    },
  })
  for (const server of servers) serve(server, registry)
  return {
    registry,
    url: `http://${host}`,
    otherHost,
    stop: async () => {
      await Promise.all(servers.map(close))
    },
  }
}

function serve(server: Server, registry: FakeRegistry): void {
  server.on('request', (incoming, outgoing) => {
    const answer = async (): Promise<void> => {
      const { method = 'GET', url = '/', headers } = incoming
      const request = new Request(`http://${headers.host ?? ''}${url}`, { method })
      for (const [name, value] of Object.entries(headers)) request.headers.set(name, String(value))
      const response = await registry.fetch(request, { network: 'any' })
      outgoing.writeHead(response.status, Object.fromEntries(response.headers))
      if (response.body === null) outgoing.end()
      else await pipeline(Readable.fromWeb(response.body as NodeReadableStream), outgoing)
    }
    answer().catch(() => outgoing.destroy())
  })
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function close(server: Server): Promise<void> {
  server.close()
  server.closeAllConnections()
  if (server.listening) await once(server, 'close')
}
