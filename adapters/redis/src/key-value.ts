import type { KeyValue, Limiter } from '@pullway/core'
import type { Redis } from 'ioredis'
import { createCommandKeyValue, defaultPrefix, defaultTimeoutMs, type Send } from './commands.ts'
import { createCommandLimiter } from './limiter.ts'
import { describeProblem } from './problem.ts'

export interface RedisKeyValueOptions {
  /** `redis:` or, over TLS, `rediss:`, with user, password and number of the database where needed. */
  readonly url: string
  readonly prefix?: string
  /** After which a call is given up, and the connection with it. */
  readonly timeoutMs?: number
}

export interface RedisKeyValue extends KeyValue, Limiter {
  /** Ends the connection once what was sent is answered. Never throws. */
  close(): Promise<void>
}

const longestPauseMs = 1_000

/** Connects at the first call, and again whenever the connection is lost. */
export function createRedisKeyValue({
  url,
  prefix = defaultPrefix,
  timeoutMs = defaultTimeoutMs,
}: RedisKeyValueOptions): RedisKeyValue {
  const connection = createConnection(checkUrl(url), timeoutMs)
  // Whoever sends hears of it.
  connection.catch(() => undefined)
  const send: Send = async (command) => (await connection).send(command)

  return {
    ...createCommandKeyValue(send, prefix),
    ...createCommandLimiter(send, prefix),

    async close() {
      await connection.then(({ close }) => close()).catch(() => undefined)
    },
  }
}

interface Connection {
  readonly send: Send
  readonly close: () => Promise<void>
}

/** The client is loaded with the first that is wanted: most mirrors have no Redis, and start sooner without. */
async function createConnection(url: string, timeoutMs: number): Promise<Connection> {
  const { Redis } = await import('ioredis')
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    // A server that hangs counts as lost: else each call of each pull would wait for the whole time.
    socketTimeout: timeoutMs,
    // Nothing is sent twice: a late write could undo a newer one of another mirror.
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(attempt * 100, longestPauseMs),
    disableClientInfo: true,
  })

  /** Why there is no connection. While it stands, calls are refused at once and nothing queues up. */
  let problem: string | undefined
  redis.on('error', (error: unknown) => void (problem = describeProblem(error)))
  redis.on('close', () => void (problem ??= 'the connection is closed'))
  redis.on('ready', () => void (problem = undefined))

  return {
    async send([name, ...args]) {
      if (problem !== undefined) throw new Error(`Redis: ${problem}`)
      return redis.call(name, ...args).catch((error: unknown) => {
        throw new Error(`Redis: ${problem ?? describeProblem(error)}`)
      })
    },
    close: () => end(redis),
  }
}

async function end(redis: Redis): Promise<void> {
  if (redis.status === 'ready') await redis.quit().catch(() => undefined)
  redis.disconnect()
}

function checkUrl(url: string): string {
  if (URL.canParse(url) && /^rediss?:$/.test(new URL(url).protocol)) return url
  // Not with the URL: it may hold a password.
  throw new Error('The URL of Redis must begin with redis:// or rediss://')
}
