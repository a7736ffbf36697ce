import { readdirSync, readlinkSync } from 'node:fs'
import { createConnection, type Socket } from 'node:net'
import type { Clock, Logger, Pullway } from '@pullway/core'
import { systemClock } from '../../adapters/node/src/clock.ts'
import {
  createHttpServer,
  type HttpServer,
  type HttpServerOptions,
} from '../../adapters/node/src/server.ts'

export interface LogRecord {
  readonly level: 'info' | 'warn' | 'error' | 'access'
  readonly message: string
}

export function createRecordingLogger(): Logger & { readonly records: readonly LogRecord[] } {
  const records: LogRecord[] = []
  const at = (level: LogRecord['level']) => (message: string) =>
    void records.push({ level, message })
  return { records, info: at('info'), warn: at('warn'), error: at('error'), access: at('access') }
}

export interface TestServer extends HttpServer {
  readonly port: number
  readonly logger: ReturnType<typeof createRecordingLogger>
  [Symbol.asyncDispose](): Promise<void>
}

export interface TestServerOptions {
  readonly host?: string
  readonly idle?: () => Promise<void>
  readonly clock?: Clock
  readonly limits?: HttpServerOptions['limits']
}

/** The HTTP server around a function that stands for the core. */
export async function startTestServer(
  fetch: Pullway['fetch'],
  {
    host = '127.0.0.1',
    idle = () => Promise.resolve(),
    clock = systemClock,
    limits = {},
  }: TestServerOptions = {},
): Promise<TestServer> {
  const logger = createRecordingLogger()
  let isStopping = false
  const server = await createHttpServer({
    pullway: { fetch, idle },
    listen: { host, port: 0 },
    logger,
    clock,
    isStopping: () => isStopping,
    limits,
  })
  const stop = (withinMs: number): Promise<boolean> => {
    isStopping = true
    return server.stop(withinMs)
  }
  return {
    url: server.url,
    port: Number(new URL(server.url).port),
    logger,
    stop,
    async [Symbol.asyncDispose]() {
      await stop(0)
    },
  }
}

export interface RawClient {
  readonly socket: Socket
  /** All that came so far, one character a byte. */
  received(): string
  /** Resolves when that text has come; rejects when the connection ends before. */
  until(text: string): Promise<void>
  /** How the connection ended: `end` in good order, else the error's code. */
  readonly ended: Promise<string>
}

/** A client that says exactly what it is told, and hides nothing. */
export function connectRaw(port: number, host = '127.0.0.1'): RawClient {
  const socket = createConnection({ port, host })
  let text = ''
  let waiting: (() => void)[] = []
  const tell = (): void => {
    const told = waiting
    waiting = []
    for (const one of told) one()
  }
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
    tell()
  })
  const ended = new Promise<string>((resolve) => {
    let how = 'end'
    socket.on('error', (error: NodeJS.ErrnoException) => (how = error.code ?? error.message))
    socket.on('close', () => {
      resolve(how)
      tell()
    })
  })
  return {
    socket,
    ended,
    received: () => text,
    async until(wanted) {
      while (!text.includes(wanted)) {
        if (socket.closed) throw new Error(`The connection ended after ${JSON.stringify(text)}`)
        await new Promise<void>((resolve) => waiting.push(resolve))
      }
    },
  }
}

/** Sends that and reads until the server closes. */
export async function exchangeRaw(port: number, request: string): Promise<string> {
  const client = connectRaw(port)
  client.socket.write(request)
  await client.ended
  return client.received()
}

/** Looks again until it holds; a test's own time limit ends what never does. */
export async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 10))
}

export function openFilesUnder(folder: string): number {
  return readdirSync('/proc/self/fd').filter((name) => linkTarget(name).startsWith(folder)).length
}

function linkTarget(name: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${name}`)
  } catch {
    return ''
  }
}
