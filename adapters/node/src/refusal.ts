import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'

/** Headers and body of the OCI error form, for what never becomes a Request. */
export interface Refusal {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export function createRefusal(
  status: number,
  message: string,
  code: 'UNKNOWN' | 'UNSUPPORTED' = 'UNKNOWN',
): Refusal {
  const body = JSON.stringify({ errors: [{ code, message }] })
  return {
    status,
    headers: {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      'docker-distribution-api-version': 'registry/2.0',
    },
    body,
  }
}

const parserRefusals: Readonly<Record<string, Refusal>> = {
  ERR_HTTP_REQUEST_TIMEOUT: createRefusal(408, 'The request took too long to arrive.'),
  HPE_CHUNK_EXTENSIONS_OVERFLOW: createRefusal(413, 'The chunk extensions are too large.'),
  HPE_HEADER_OVERFLOW: createRefusal(431, 'The request headers are too large.'),
}
const malformed = createRefusal(400, 'This is not a valid HTTP/1.1 request.')

/** Answers what Node's parser turned down. `isAnswering`: an answer has begun on it and can only be cut off. */
export function refuseConnection(error: Error, socket: Duplex, isAnswering: boolean): void {
  if (!socket.writable || isAnswering) {
    socket.destroy()
    return
  }
  const { code = '' } = error as NodeJS.ErrnoException
  writeRefusal(socket, parserRefusals[code] ?? malformed)
}

export function writeRefusal(socket: Duplex, { status, headers, body }: Refusal): void {
  const lines = Object.entries({ ...headers, connection: 'close' }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  const statusLine = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`
  socket.end(`${statusLine}${lines.join('')}\r\n${body}`, () => socket.destroy())
}
