import { createHash, randomFillSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface LoadBlob {
  readonly digest: string
  readonly bytes: number
}

/** An open registry of blobs that are only made when they are sent. */
export interface LoadUpstream {
  readonly url: string
  /** Blobs of that size that no other call gives. */
  make(count: number, bytes: number): readonly LoadBlob[]
  /** GETs of blobs so far. */
  downloads(): number
  /** What its sockets have taken. */
  sentBytes(): number
  stop(): Promise<void>
}

const mebibyte = 1024 * 1024
const noise = randomFillSync(Buffer.alloc(mebibyte))

export async function startLoadUpstream(): Promise<LoadUpstream> {
  const known = new Map<string, { readonly number: number; readonly bytes: number }>()
  let downloads = 0
  let sentBytes = 0
  const server = createServer((request, response) => {
    const blob = known.get(request.url?.split('/').at(-1) ?? '')
    if (!blob) {
      response.writeHead(request.url === '/v2/' ? 200 : 404).end('{}')
      return
    }
    response.writeHead(200, { 'content-length': blob.bytes })
    if (request.method === 'HEAD') {
      response.end()
      return
    }
    downloads += 1
    const pieces = piecesOf(blob)
    const send = (): void => {
      // Not `for of`, which would end the pieces at the first pause.
      for (let next = pieces.next(); !next.done; next = pieces.next()) {
        sentBytes += next.value.byteLength
        if (!response.write(next.value)) {
          response.once('drain', send)
          return
        }
      }
      response.end()
    }
    send()
  })
  // Node's own 5 s begin while a slow client still has much to take.
  server.keepAliveTimeout = 120_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    make(count, bytes) {
      return Array.from({ length: count }, () => {
        const blob = { number: known.size, bytes }
        const hash = createHash('sha256')
        for (const piece of piecesOf(blob)) hash.update(piece)
        const digest = `sha256:${hash.digest('hex')}`
        known.set(digest, blob)
        return { digest, bytes }
      })
    },
    downloads: () => downloads,
    sentBytes: () => sentBytes,
    async stop() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

/** The blob's number, then the same noise for all. */
function* piecesOf({ number, bytes }: { number: number; bytes: number }): Generator<Buffer> {
  const head = Buffer.alloc(64)
  head.writeUInt32LE(number)
  yield head
  for (let left = bytes - head.byteLength; left > 0; left -= noise.byteLength) {
    yield noise.subarray(0, Math.min(left, noise.byteLength))
  }
}
