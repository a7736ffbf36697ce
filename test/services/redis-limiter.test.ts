import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createRedisHttpKeyValue } from '@pullway/redis/http'
import { createRedisKeyValue, type RedisKeyValue } from '@pullway/redis'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { describeLimiter } from '../contract/limiter.ts'
import { createRedisClock } from './redis-clock.ts'
import { startRedis, type RedisServer } from './redis.ts'

let redis: RedisServer
let tests = 0

beforeAll(async () => {
  redis = await startRedis()
})

afterAll(() => redis.remove())

function open(prefix = `test-${(tests += 1)}:`): RedisKeyValue {
  const store = createRedisKeyValue({ url: redis.url, prefix })
  onTestFinished(() => store.close())
  return store
}

describeLimiter('Redis', async () => ({ limiter: open(), clock: createRedisClock(redis) }))

/** Redis behind a REST API of pipelines, as Upstash has it. */
async function startRest(): Promise<string> {
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const pipeline = JSON.parse(Buffer.concat(chunks).toString()) as string[][]
      const replies = await Promise.all(
        pipeline.map(async (command) => ({ result: (await redis.command(...command)).trim() })),
      )
      response.end(JSON.stringify(replies))
    })()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describeLimiter('Redis over HTTP', async () => {
  const fetch = (request: Request): Promise<Response> => globalThis.fetch(request)
  const url = await startRest()
  const prefix = `test-${(tests += 1)}:`
  const limiter = createRedisHttpKeyValue({
    url,
    token: 'secret',
    prefix,
    fetch,
    timeoutMs: 10_000,
  })
  return { limiter, clock: createRedisClock(redis) }
})

describe('mirrors that share Redis', () => {
  const limit = { perSecond: 0.1, burst: 6 }

  test('share what a client may take', async () => {
    const mirrors = [open('shared:'), open('shared:')]
    const taken = await Promise.all(
      Array.from({ length: 20 }, (_, index) => mirrors[index % 2]!.take('client', 1, limit)),
    )
    expect(taken.filter(({ allowed }) => allowed).length).toBe(6)
  })

  test('leave nothing behind of clients that have gone', async () => {
    await open('gone:').take('client', 1, limit)
    const life = Number(await redis.command('PTTL', 'gone:client'))
    expect(life).toBeGreaterThan(9_000)
    expect(life).toBeLessThanOrEqual(10_001)
  })

  test('keep to rates that divide no millisecond', async () => {
    // One costs 300 ms; so few come back while they are taken that fractions would show.
    const store = open()
    const fast = { perSecond: 10 / 3, burst: 100 }
    const taken = await Promise.all(Array.from({ length: 110 }, () => store.take('a', 1, fast)))
    const allowed = taken.filter((one) => one.allowed).length
    expect(allowed).toBeGreaterThanOrEqual(100)
    expect(allowed).toBeLessThanOrEqual(104)
  })
})

test('a server that is gone is an error, not a refusal', async () => {
  const store = createRedisKeyValue({ url: 'redis://127.0.0.1:1', timeoutMs: 500 })
  onTestFinished(() => store.close())
  await expect(store.take('a', 1, { perSecond: 1, burst: 1 })).rejects.toThrow(/^Redis: /)
})
