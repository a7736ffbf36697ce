import { createHash } from 'node:crypto'
import { connect, type Socket } from 'node:net'

/** A client on a socket of its own, which reads as fast as it is told. */
export interface LoadClient {
  readonly socket: Socket
  /** Body bytes so far. */
  received(): number
  /** `200 sha256:…` of what came, or how it broke. */
  readonly ended: Promise<string>
}

export interface ReadOptions {
  /** Undefined: all that comes. 0: nothing at all. */
  readonly bytesPerSecond?: number
}

const turnsPerSecond = 10

export function startLoadClient(
  mirror: string,
  path: string,
  { bytesPerSecond }: ReadOptions = {},
): LoadClient {
  const { hostname, port, host } = new URL(mirror)
  const hash = createHash('sha256')
  let head = ''
  let bodyBytes = 0
  let length: number | undefined
  let allowance = Infinity
  let done: (how: string) => void = () => undefined
  const ended = new Promise<string>((resolve) => (done = resolve))

  /** False when it is enough for now. */
  const take = (chunk: Buffer): boolean => {
    let body = chunk
    if (length === undefined) {
      const text = head + chunk.toString('latin1')
      const end = text.indexOf('\r\n\r\n')
      if (end < 0) {
        head = text
        return true
      }
      body = chunk.subarray(chunk.byteLength - (text.length - end - 4))
      head = text.slice(0, end)
      length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? -1)
    }
    hash.update(body)
    bodyBytes += body.byteLength
    allowance -= chunk.byteLength
    if (bodyBytes === length) {
      done(`${head.slice(9, 12)} sha256:${hash.digest('hex')}`)
      socket.end()
    }
    return allowance > 0
  }

  const socket = connect({
    host: hostname,
    port: Number(port),
    // Node reads 64 KiB at a time otherwise: six seconds of a slow line.
    ...(bytesPerSecond !== undefined && {
      onread: {
        buffer: Buffer.alloc(bytesPerSecond === 0 ? 65_536 : 1_000),
        callback: (bytes: number, buffer: Uint8Array) =>
          take(Buffer.from(buffer.subarray(0, bytes))),
      },
    }),
  })
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  if (bytesPerSecond === undefined) socket.on('data', take)
  socket.on('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message))
  socket.on('close', () => done(`cut after ${String(bodyBytes)} of ${String(length)}`))

  if (bytesPerSecond === 0) socket.pause()
  else if (bytesPerSecond !== undefined) {
    allowance = 0
    const turn = setInterval(() => {
      allowance = bytesPerSecond / turnsPerSecond
      socket.resume()
    }, 1000 / turnsPerSecond)
    socket.once('close', () => clearInterval(turn))
  }
  return { socket, received: () => bodyBytes, ended }
}
