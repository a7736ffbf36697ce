import { createHash } from 'node:crypto'
import { connect } from 'node:net'
import { manifestType } from './content.ts'

export interface Download {
  /** From the call to the first byte of the body. */
  readonly firstByteSeconds: number
  readonly seconds: number
}

export interface DownloadOptions {
  readonly size: number
  /** Checks the body against it, which costs the load's core 0.6 s a GiB. */
  readonly digest?: string
}

interface Head {
  readonly statusLine: string
  readonly contentLength: number
}

const withinMs = 60_000
// One for all sockets: what a socket reads is looked at before the next one reads.
const readBuffer = Buffer.alloc(1024 ** 2)

/**
 * A GET that throws the body away as cheaply as Node can: the client shares its core with the upstream,
 * and the global fetch would take more CPU than the servers that are measured.
 */
export function download(url: URL, { size, digest }: DownloadOptions): Promise<Download> {
  const started = performance.now()
  const hash = digest === undefined ? undefined : createHash('sha256')
  let firstByteSeconds = 0
  let received = 0

  return new Promise((resolve, reject) => {
    // The first outcome counts: a resolve that follows changes nothing.
    const fail = (reason: string): void => {
      socket.destroy()
      reject(new Error(`GET ${url}: ${reason}`))
    }
    const takeHead = ({ statusLine, contentLength }: Head): void => {
      if (!statusLine.startsWith('HTTP/1.1 200 ')) fail(statusLine)
      else if (contentLength !== size) fail(`content-length ${contentLength}, not ${size}`)
    }
    const takeBody = (bytes: Buffer): void => {
      if (received === 0) firstByteSeconds = secondsSince(started)
      received += bytes.length
      hash?.update(bytes)
      if (received < size) return
      if (received > size) fail(`${received} bytes, not ${size}`)
      else if (hash !== undefined && `sha256:${hash.digest('hex')}` !== digest)
        fail('wrong content')
      socket.destroy()
      resolve({ firstByteSeconds, seconds: secondsSince(started) })
    }
    const read = withHead(takeHead, takeBody)
    const socket = connect({
      host: url.hostname,
      port: Number(url.port),
      onread: {
        buffer: readBuffer,
        callback: (length) => {
          read(readBuffer.subarray(0, length))
          return true
        },
      },
    })
    socket.setTimeout(withinMs, () => fail(`silent for ${withinMs / 1000} s`))
    socket.once('error', (error) => fail(error.message))
    socket.once('close', () => fail(`ended after ${received} of ${size} bytes`))
    socket.write(requestText(url))
  })
}

function requestText(url: URL): string {
  const headers = [`Host: ${url.host}`, `Accept: ${manifestType}, */*`, 'Connection: close']
  return [`GET ${url.pathname} HTTP/1.1`, ...headers, '', ''].join('\r\n')
}

/** Tells the head of an answer from its body, however the two were cut into reads. */
function withHead(
  takeHead: (head: Head) => void,
  takeBody: (bytes: Buffer) => void,
): (bytes: Buffer) => void {
  let head: Buffer | undefined = Buffer.alloc(0)
  return (bytes) => {
    if (head === undefined) {
      takeBody(bytes)
      return
    }
    head = Buffer.concat([head, bytes])
    const end = head.indexOf('\r\n\r\n')
    if (end === -1) return
    const text = head.toString('latin1', 0, end)
    const rest = head.subarray(end + 4)
    head = undefined
    takeHead({
      statusLine: text.split('\r\n', 1)[0] ?? '',
      contentLength: Number(/^content-length: *(\d+)/im.exec(text)?.[1]),
    })
    if (rest.length > 0) takeBody(rest)
  }
}

function secondsSince(start: number): number {
  return (performance.now() - start) / 1000
}
