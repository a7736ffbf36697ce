import { describe, expect, test } from 'vitest'
import { createMetrics } from '../../../core/src/observe/metrics.ts'
import { createObserve, type Exchange } from '../../../core/src/observe/exchange.ts'
import { createMemoryBlobStore, createMemoryKeyValue } from '@pullway/memory'
import { createFakeClock } from '../../fakes/clock.ts'
import { configOf } from '../support/config.ts'
import { createHasher } from '../support/hashing.ts'

type Sent = (bodyBytes: number, complete: boolean) => void

function settle(isCounted: boolean) {
  const clock = createFakeClock(Date.UTC(2026, 10, 21))
  const lines: string[] = []
  const metrics = createMetrics()
  const drop = (): void => undefined
  const observe = createObserve(
    configOf(''),
    {
      fetch: async () => new Response(),
      blobs: createMemoryBlobStore({ maxBytes: 1 }),
      state: createMemoryKeyValue({ clock }),
      volatile: createMemoryKeyValue({ clock }),
      clock,
      createHasher,
      logger: { info: drop, warn: drop, error: drop, access: (line) => void lines.push(line) },
    },
    metrics,
  )
  let sent: Sent = () => {
    throw new Error('nobody listens')
  }
  const exchange: Exchange = {
    context: {
      waitUntil: drop,
      ...(isCounted ? { whenSent: (listener: Sent) => void (sent = listener) } : {}),
    },
    client: { address: '192.0.2.1', origin: () => 'http://mirror.example.com' },
    startedAt: clock.now(),
    kind: 'blob',
    upstream: 'docker.io',
    outcome: 'stale-timeout',
  }
  const request = (method = 'GET'): Request =>
    new Request('http://mirror.example.com/v2/app?x=1', { method, headers: { host: 'h.test' } })
  const response = (status = 200): Response =>
    new Response(null, { status, headers: { 'content-length': '1000' } })
  const end: Sent = (bodyBytes, complete) => sent(bodyBytes, complete)
  return { clock, lines, metrics, observe, exchange, request, response, end }
}

describe('where the runtime tells when an answer has ended', () => {
  test('it is logged then, with what was sent and how long it took', async () => {
    const { clock, lines, metrics, observe, exchange, request, response, end } = settle(true)
    observe(request(), response(), exchange)
    expect(lines).toEqual([])
    expect(metrics.render()).toContain('pullway_active_blob_streams 1\n')
    await clock.advance(1_500)
    end(400, false)
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain('"GET /v2/app?x=1 HTTP/1.1" 200 400 ')
    expect(lines[0]).toMatch(/docker\.io stale-timeout 1\.500$/)
    expect(metrics.render()).toContain('pullway_active_blob_streams 0\n')
    expect(metrics.render()).toContain('pullway_client_bytes_total{upstream="docker.io"} 400\n')
  })
})

describe('where it cannot tell', () => {
  test.each([
    ['GET', 200, 1000],
    ['HEAD', 200, 0],
    ['GET', 404, 1000],
  ] as const)('%s %i counts what was announced: %i', (method, status, bytes) => {
    const { lines, observe, exchange, request, response } = settle(false)
    observe(request(method), response(status), exchange)
    expect(lines[0]).toContain(` HTTP/1.1" ${status} ${bytes} `)
  })
})

test('requests and what the cache could do are counted, and every kind of stale is one', () => {
  const { metrics, observe, exchange, request, response } = settle(false)
  observe(request(), response(), exchange)
  observe(request(), response(), { ...exchange, outcome: 'hit' })
  observe(request(), response(429), { ...exchange, kind: 'manifest' })
  const lines = metrics.render().split('\n')
  for (const line of [
    'pullway_requests_total{upstream="docker.io",kind="blob",status="200"} 2',
    'pullway_requests_total{upstream="docker.io",kind="manifest",status="429"} 1',
    'pullway_cache_requests_total{upstream="docker.io",kind="blob",result="stale"} 1',
    'pullway_cache_requests_total{upstream="docker.io",kind="blob",result="hit"} 1',
  ])
    expect(lines).toContain(line)
})
