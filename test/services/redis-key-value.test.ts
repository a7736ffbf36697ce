import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { createRedisKeyValue, type RedisKeyValue } from '@pullway/redis'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { describeKeyValue } from '../contract/key-value.ts'
import { until } from '../clients/process.ts'
import { createRedisClock } from './redis-clock.ts'
import { startRedis, type RedisServer } from './redis.ts'

let redis: RedisServer
let tests = 0

beforeAll(async () => {
  redis = await startRedis()
})

afterAll(() => redis.remove())

function open(options: { url?: string; prefix?: string; timeoutMs?: number } = {}): RedisKeyValue {
  const store = createRedisKeyValue({ url: redis.url, prefix: `test-${(tests += 1)}:`, ...options })
  onTestFinished(() => store.close())
  return store
}

async function problemOf(work: Promise<unknown>): Promise<Error> {
  const error = await work.then(
    () => expect.fail('it worked'),
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(Error)
  expect((error as Error).cause).toBeUndefined()
  return error as Error
}

/** Milliseconds until it fails. */
async function failing(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now()
  await problemOf(work())
  return performance.now() - begin
}

function worksAgain(store: RedisKeyValue): Promise<void> {
  return until('the state works again', () =>
    store.set('again', 'value', 60).then(
      () => true,
      () => false,
    ),
  )
}

describeKeyValue('Redis', async () => ({ store: open(), clock: createRedisClock(redis) }))

describe('what stands in Redis', () => {
  test('bears the prefix and the life time in milliseconds', async () => {
    const store = open({ prefix: 'mirror-a:' })
    for (const [seconds, milliseconds] of [
      [1.5, 1500],
      [0.25, 250],
      [86_400, 86_400_000],
    ] as const) {
      await store.set('tag', 'value', seconds)
      const left = Number(await redis.command('PTTL', 'mirror-a:tag'))
      expect(left).toBeLessThanOrEqual(milliseconds)
      expect(left).toBeGreaterThan(0)
      if (milliseconds > 1000) expect(left).toBeGreaterThan(milliseconds - 1000)
    }
  })

  test('lives a millisecond at least', async () => {
    await open().set('key', 'value', 0.000_1)
  })

  test('is apart from what another prefix or database holds', async () => {
    const stores = [open({ prefix: 'a:' }), open({ prefix: 'b:' })]
    stores.push(open({ prefix: 'a:', url: `${redis.url}/3` }))
    for (const [index, store] of stores.entries()) await store.set('key', String(index), 60)
    for (const [index, store] of stores.entries()) expect(await store.get('key')).toBe(`${index}`)
  })

  test('begins with pullway: if nothing else is said', async () => {
    const store = createRedisKeyValue({ url: redis.url })
    onTestFinished(() => store.close())
    await store.set('key', 'value', 60)
    expect((await redis.command('GET', 'pullway:key')).trim()).toBe('value')
  })

  test('is broken, not absent, where it is no text', async () => {
    const store = open({ prefix: '' })
    await redis.command('LPUSH', 'a-list', 'value')
    expect((await problemOf(store.get('a-list'))).message).toMatch(/^Redis: WRONGTYPE/)
  })
})

describe('a Redis in trouble', () => {
  test('killed in mid-use: every call fails at once, and works again after its return', async () => {
    const store = open()
    await store.set('key', 'value', 60)
    const begun = Array.from({ length: 100 }, (_, index) => store.get(`key ${index}`))
    const kill = redis.kill()
    await Promise.allSettled(begun)
    await kill
    await until('the loss is noticed', () => failing(() => store.get('key')).then(() => true))

    const slowest = Math.max(
      ...(await Promise.all(Array.from({ length: 50 }, () => failing(() => store.get('key'))))),
    )
    expect(slowest).toBeLessThan(500)
    expect((await problemOf(store.get('key'))).message).toMatch(/^Redis: .*(closed|ECONN)/)

    await redis.start()
    await worksAgain(store)
    expect(await store.get('key')).toBeUndefined()
    expect(await store.get('again')).toBe('value')
  })

  test('absent from the beginning: the first call fails soon, and a later one works', async () => {
    await redis.kill()
    const store = open()
    expect(await failing(() => store.get('key'))).toBeLessThan(1000)
    expect((await problemOf(store.get('key'))).message).toMatch(/ECONNREFUSED/)
    await redis.start()
    await worksAgain(store)
  })

  test('stopped: the first calls end with the time limit, the others at once', async () => {
    const store = open({ timeoutMs: 400 })
    await store.set('key', 'value', 60)
    redis.pause()
    onTestFinished(() => redis.goOn())
    const waits = await Promise.all(
      Array.from({ length: 20 }, () => failing(() => store.get('key'))),
    )
    expect(Math.max(...waits)).toBeLessThan(1500)
    expect(Math.min(...waits)).toBeGreaterThan(300)

    // It goes on taking connections, which must not make calls wait again.
    const later: number[] = []
    for (let time = 0; time < 100; time += 1) {
      later.push(await failing(() => store.get('key')))
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    expect(Math.max(...later)).toBeLessThan(200)

    redis.goOn()
    await worksAgain(store)
    expect(await store.get('key')).toBe('value')
  })

  test('stopped before the first call: it ends with the time limit', async () => {
    redis.pause()
    onTestFinished(() => redis.goOn())
    const store = open({ timeoutMs: 400 })
    expect(await failing(() => store.get('key'))).toBeLessThan(1500)
  })

  test('so slow that an answer never ends: the call ends with the time limit', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.on('data', (command) => {
        if (String(command).includes('info')) return void socket.write('$0\r\n\r\n')
        socket.write('$1000000\r\n')
        const drip = setInterval(() => socket.write('x'), 20)
        socket.on('close', () => clearInterval(drip))
      })
    }).listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const store = open({ url: `redis://127.0.0.1:${port}`, timeoutMs: 400 })
    expect(await failing(() => store.get('key'))).toBeLessThan(1500)
  })

  test('idle connections that it closes are opened again', async () => {
    const store = open()
    await store.set('key', 'value', 60)
    await redis.command('CLIENT', 'KILL', 'TYPE', 'normal')
    await worksAgain(store)
    expect(await store.get('key')).toBe('value')
  })

  test('full: a write fails with its reason, and reading goes on', async () => {
    const store = open()
    await store.set('key', 'value', 60)
    await redis.command('CONFIG', 'SET', 'maxmemory', '1')
    onTestFinished(() => redis.command('CONFIG', 'SET', 'maxmemory', '0').then(() => undefined))
    expect((await problemOf(store.set('other', 'value', 60))).message).toMatch(/^Redis: OOM/)
    expect(await store.get('key')).toBe('value')
  })
})

describe('close', () => {
  test('lets what was sent be answered, and refuses what comes after', async () => {
    const store = open()
    await store.get('key')
    let answered = 0
    for (let index = 0; index < 100; index += 1) {
      void store.set(`${index}`, 'value', 60).then(() => (answered += 1))
    }
    await store.close()
    await new Promise((resolve) => setImmediate(resolve))
    expect(answered).toBe(100)
    await problemOf(store.get('key'))
  })

  test('ends the connection', async () => {
    const store = createRedisKeyValue({ url: redis.url })
    await store.get('key')
    const clients = async () => (await redis.command('CLIENT', 'LIST')).trim().split('\n').length
    const before = await clients()
    await store.close()
    await until('the connection is gone', async () => (await clients()) === before - 1)
  })

  test.each(['unused', 'without Redis', 'twice'])('%s is no error', async (how) => {
    const url = how === 'without Redis' ? 'redis://127.0.0.1:1' : redis.url
    const store = createRedisKeyValue({ url })
    if (how !== 'unused') await store.get('key').catch(() => undefined)
    await store.close()
    await store.close()
    await problemOf(store.get('key'))
  })

  test('is bounded in time when Redis hangs', async () => {
    const store = open({ timeoutMs: 400 })
    await store.get('key')
    redis.pause()
    onTestFinished(() => redis.goOn())
    const begin = performance.now()
    await store.close()
    expect(performance.now() - begin).toBeLessThan(1500)
  })
})
