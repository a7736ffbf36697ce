import { EventEmitter, once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Content, Image } from '../fakes/registry/index.ts'

/** An open registry that sends its blobs in pieces, so that whatever happens happens in the middle of one. */
export interface SlowRegistry {
  readonly url: string
  push(repository: string, tag: string, image: Image): void
  /** Sends half of each blob from now on, and the rest after `release`. */
  hold(): void
  release(): void
  /** Blobs that are held. */
  held(): number
  /** Blobs that are on their way. */
  sending(): number
  /** Resolves when the next blob is asked for. */
  asked(): Promise<unknown>
  stop(): Promise<void>
}

const pieceBytes = 64 * 1024

export async function startSlowRegistry(pauseMs: number): Promise<SlowRegistry> {
  const contents = new Map<string, Content>()
  let held = 0
  let sending = 0
  const asks = new EventEmitter()
  let gate: { readonly open: () => void; readonly opened: Promise<void> } | undefined

  const send = async (bytes: Uint8Array, response: ServerResponse): Promise<void> => {
    for (let start = 0; start < bytes.byteLength && !response.destroyed; start += pieceBytes) {
      if (gate && start >= bytes.byteLength / 2) {
        held += 1
        await gate.opened
        held -= 1
      }
      response.write(bytes.subarray(start, start + pieceBytes))
      await pause(pauseMs)
    }
    response.end()
  }

  const server = createServer((request, response) => {
    const content = contents.get(request.url ?? '')
    if (!content) {
      response.writeHead(request.url === '/v2/' ? 200 : 404).end('{}')
      return
    }
    response.writeHead(200, {
      'content-type': content.mediaType,
      'content-length': content.bytes.byteLength,
      'docker-content-digest': content.digest,
    })
    if (request.method === 'HEAD') response.end()
    else if (request.url?.includes('/blobs/') !== true) response.end(content.bytes)
    else {
      sending += 1
      response.once('close', () => (sending -= 1))
      void send(content.bytes, response)
      asks.emit('blob')
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    push(repository, tag, { root, manifests, blobs }) {
      contents.set(`/v2/${repository}/manifests/${tag}`, root)
      for (const one of manifests) contents.set(`/v2/${repository}/manifests/${one.digest}`, one)
      for (const one of blobs) contents.set(`/v2/${repository}/blobs/${one.digest}`, one)
    },
    hold() {
      let open = (): void => undefined
      const opened = new Promise<void>((resolve) => (open = resolve))
      gate = { open, opened }
    },
    release() {
      gate?.open()
      gate = undefined
    },
    held: () => held,
    sending: () => sending,
    asked: () => once(asks, 'blob'),
    async stop() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
