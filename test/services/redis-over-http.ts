import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import type { RedisServer } from './redis.ts'

export interface RedisOverHttp {
  readonly url: string
  readonly token: string
  stop(): Promise<void>
}

/** A real Redis behind Upstash's REST API, as serverless-redis-http gives it. */
export async function startRedisOverHttp(redis: RedisServer): Promise<RedisOverHttp> {
  const token = 'redis-over-http'
  const run = async (command: readonly string[]): Promise<object> => {
    const reply = await redis.command('--json', ...command)
    return { result: JSON.parse(reply) as unknown }
  }
  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      const isAllowed = request.headers.authorization === `Bearer ${token}`
      const commands = (await json(request)) as readonly (readonly string[])[]
      const replies = isAllowed ? await Promise.all(commands.map(run)) : { error: 'WRONGPASS' }
      response.writeHead(isAllowed ? 200 : 401, { 'content-type': 'application/json' })
      response.end(JSON.stringify(replies))
    }
    // Its own connection to Redis is lost.
    answer().catch(() => response.writeHead(500).end('{"error":"ERR connection lost"}'))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    token,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
