import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'

/** What happens to a request: an answer in the place of the real one, or a change to the real one. */
export type Scene = Act | Change

export type Act = (request: IncomingMessage, response: ServerResponse, urls: SiteUrls) => void

export interface SiteUrls {
  readonly registry: string
  /** Of its realm and its CDN. */
  readonly side: string
}

/** To answers that have content. */
export interface Change {
  /** In place. */
  readonly headers?: (headers: OutgoingHttpHeaders, size: number) => void
  /** The body in the place of the real one; not of HEAD. */
  readonly body?: (body: Content, response: ServerResponse) => AsyncIterable<Buffer>
}

export interface Content {
  readonly chunks: AsyncIterable<Buffer>
  readonly size: number
}

const html = '<!doctype html><title>Sorry</title><h1>Something is wrong here</h1>\n'
const json = JSON.stringify({ errors: [{ code: 'UNKNOWN', message: 'made up by a test' }] })

export function answer(
  status: number,
  headers: OutgoingHttpHeaders = { 'content-type': 'application/json' },
  body = json,
): Act {
  return (request, response) => {
    response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) })
    response.end(request.method === 'HEAD' ? undefined : body)
  }
}

export const page = (status: number): Act => answer(status, { 'content-type': 'text/html' }, html)

export function redirect(to: (urls: SiteUrls, path: string) => string): Act {
  return ({ url }, response, urls) => {
    response.writeHead(307, { location: to(urls, url ?? ''), 'content-length': 0 }).end()
  }
}

export const hang: Act = () => undefined

/** The connection is reset at once. */
export const reset: Act = (_, response) => void response.socket?.resetAndDestroy()

/** Some bytes that may or may not be the start of an answer, and then the connection ends. */
export function write(bytes: string): Act {
  return (_, { socket }) => void socket?.write(bytes, () => socket.destroy())
}

export const resetAfterHeaders: Change = {
  async *body({ chunks }, response) {
    response.flushHeaders()
    await pause(50)
    response.socket?.resetAndDestroy()
    yield* chunks
  },
}

/** Where in a content something happens. */
export type Place = 'start' | 'second' | 'middle' | 'last'

const placeOf: Readonly<Record<Place, (size: number) => number>> = {
  start: () => 0,
  second: () => 1,
  middle: (size) => Math.floor(size / 2),
  last: (size) => size - 1,
}

/** The connection ends before the byte at the place. */
export function cut(place: Place, headers?: Change['headers']): Change {
  return { ...stopAt(place, (response) => void response.destroy()), ...(headers && { headers }) }
}

/** No byte comes from the place on, and nothing ends. */
export const silence = (place: Place): Change => stopAt(place, () => undefined)

function stopAt(place: Place, stop: (response: ServerResponse) => void): Change {
  return {
    async *body({ chunks, size }, response) {
      let left = placeOf[place](size)
      if (left === 0) response.flushHeaders()
      for await (const chunk of chunks) {
        const piece = chunk.subarray(0, left)
        left -= piece.byteLength
        if (piece.byteLength > 0) yield piece
        if (left > 0) continue
        // What has been sent so far gets there.
        await pause(50)
        stop(response)
        await pause(60_000, undefined, { ref: false })
        return
      }
    },
  }
}

export function flip(place: Place): Change {
  return {
    async *body({ chunks, size }) {
      const bytes = await readAll(chunks)
      const at = placeOf[place](size)
      bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
      yield bytes
    },
  }
}

/** All bytes, with other headers. */
export const withHeaders = (headers: NonNullable<Change['headers']>): Change => ({ headers })

export const longer: Change = {
  headers: (headers, size) => (headers['content-length'] = size + 10),
  async *body({ chunks }) {
    yield* chunks
    yield Buffer.alloc(10, 'x')
  },
}

export const shorter: Change = {
  headers: (headers, size) => (headers['content-length'] = size - 10),
  async *body({ chunks }) {
    yield (await readAll(chunks)).subarray(0, -10)
  },
}

/** More is announced than there is. */
export const overstated: Change = {
  headers: (headers, size) => (headers['content-length'] = size + 10),
  async *body({ chunks }, response) {
    yield* chunks
    await pause(50)
    response.destroy()
  },
}

export const encoded: Change = {
  headers: (headers) => {
    delete headers['content-length']
    headers['content-encoding'] = 'gzip'
  },
  async *body({ chunks }) {
    yield gzipSync(await readAll(chunks))
  },
}

const dripPieces = 12

/** The whole, in pieces with pauses between them. */
export function drip(pauseMs: number): Change {
  return {
    async *body({ chunks }) {
      const bytes = await readAll(chunks)
      const size = Math.ceil(bytes.byteLength / dripPieces)
      for (let start = 0; start < bytes.byteLength; start += size) {
        yield bytes.subarray(start, start + size)
        await pause(pauseMs)
      }
    },
  }
}

async function readAll(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = []
  for await (const chunk of chunks) all.push(chunk)
  return Buffer.concat(all)
}
