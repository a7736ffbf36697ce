import { createHash } from 'node:crypto'
import { createServer, type RequestListener } from 'node:http'

export const content = Buffer.alloc(3 * 1024 * 1024, 'pullway')
export const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`

export interface Upstream {
  readonly url: string
  /** GETs of the blob so far. */
  readonly downloads: number
  /** Lets the blob's second half go. */
  release(): void
  [Symbol.asyncDispose](): Promise<void>
}

/** Gives one half of the blob, and the other when it is told to. */
export async function startSlowUpstream(): Promise<Upstream> {
  const held: (() => void)[] = []
  const listener: RequestListener = ({ method, url }, response) => {
    if (url?.endsWith(digest) !== true) {
      response.writeHead(200).end('{}')
      return
    }
    response.writeHead(200, { 'content-length': content.length })
    if (method === 'HEAD') {
      response.end()
      return
    }
    response.write(content.subarray(0, content.length / 2))
    held.push(() => response.end(content.subarray(content.length / 2)))
  }
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    get downloads() {
      return held.length
    },
    release: () => held.forEach((send) => send()),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
