import { describe, expect, onTestFinished, test } from 'vitest'
import * as edge from '../../adapters/vercel/src/edge.ts'
import type { Handler, HandlerOptions, VercelContext } from '@pullway/vercel/node'
import * as node from '../../adapters/vercel/src/node.ts'
import { readAnswer } from '../fakes/mirror.ts'
import { buildImage, createFakeRegistry, type FakeRegistry } from '../fakes/registry/index.ts'
import { createFakeConsole, type FakeConsole } from './console.ts'

const image = buildImage({ seed: 61, layerBytes: 50_000 })
const layer = image.blobs[1]!
const root = '/v2/registry.test/owner/name'
const document = 'upstreams: { registry.test: {} }'
const runtimes = { node, edge }

interface Deployed {
  readonly registry: FakeRegistry
  readonly console: FakeConsole
  readonly get: (path: string, init?: RequestInit, context?: VercelContext) => Promise<Response>
}

function deploy(
  runtime: keyof typeof runtimes,
  environment: Readonly<Record<string, string>> = {},
  options: HandlerOptions = { document },
): Deployed {
  const registry = createFakeRegistry()
  registry.push('owner/name', 'latest', image)
  const console = createFakeConsole()
  const { fetch } = registry
  const handler: Handler = runtimes[runtime].createHandler(environment, {
    fetch,
    console,
    ...options,
  })
  return {
    registry,
    console,
    get: (path, init, context) => handler(new Request(`https://mirror.test${path}`, init), context),
  }
}

describe.each(['node', 'edge'] as const)('the %s handler', (runtime) => {
  test('gives a manifest, its layer, and a part of that', async () => {
    const { get } = deploy(runtime)
    const manifest = await readAnswer(await get(`${root}/manifests/latest`))
    expect(manifest.status).toBe(200)
    expect(manifest.bytes).toEqual(image.root.bytes)
    const whole = await readAnswer(await get(`${root}/blobs/${layer.digest}`))
    expect(whole.status).toBe(200)
    expect(whole.bytes).toEqual(layer.bytes)
    const headers = { range: 'bytes=100-199' }
    const part = await readAnswer(await get(`${root}/blobs/${layer.digest}`, { headers }))
    expect(part.status).toBe(206)
    expect(part.bytes).toEqual(layer.bytes.slice(100, 200))
  })

  test('keeps a manifest for the next request', async () => {
    const { registry, get } = deploy(runtime)
    const path = `${root}/manifests/${image.root.digest}`
    await readAnswer(await get(path))
    expect(registry.takeLines().length).toBeGreaterThan(0)
    expect((await readAnswer(await get(path))).bytes).toEqual(image.root.bytes)
    expect(registry.takeLines()).toEqual([])
  })

  test.each([
    [{ 'x-real-ip': '198.51.100.9', 'x-vercel-forwarded-for': '203.0.113.4' }, '198.51.100.9'],
    [{ 'x-vercel-forwarded-for': '203.0.113.4, 10.0.0.1' }, '203.0.113.4'],
    [{ 'x-forwarded-for': '203.0.113.4' }, '-'],
  ])('knows a client by %j', async (headers, address) => {
    const { console, get } = deploy(runtime)
    await readAnswer(await get('/v2/', { headers: { ...headers } }))
    expect(console.lines('log')).toEqual([expect.stringMatching(new RegExp(`^${address} - `))])
  })

  test('takes PULLWAY_CONFIG before the document that was bundled', async () => {
    const { get } = deploy(runtime, { PULLWAY_CONFIG: 'upstreams: { other.test: {} }' })
    const answer = await readAnswer(await get(`${root}/manifests/latest`))
    expect([answer.status, answer.message]).toEqual([404, expect.stringContaining('registry.test')])
  })

  test('works with no configuration at all', async () => {
    const { get } = deploy(runtime, {}, {})
    expect((await get('/v2/')).status).toBe(200)
  })
})

describe('work behind an answer', () => {
  const place = Symbol.for('@vercel/request-context')
  const holder = globalThis as Record<symbol, unknown>

  test('is kept alive by what the runtime hands over', async () => {
    const { get } = deploy('node')
    const kept: Promise<unknown>[] = []
    const waitUntil = (work: Promise<unknown>): void => void kept.push(work)
    await readAnswer(await get(`${root}/blobs/${layer.digest}`, {}, { waitUntil }))
    await Promise.all(kept)
    expect(kept.length).toBeGreaterThan(0)
  })

  test('is kept alive by what Vercel has put on the global object', async () => {
    const { get } = deploy('node')
    const kept: Promise<unknown>[] = []
    const context = { waitUntil: (work: Promise<unknown>): void => void kept.push(work) }
    holder[place] = { get: () => context }
    onTestFinished(() => {
      holder[place] = undefined
    })
    await readAnswer(await get(`${root}/blobs/${layer.digest}`))
    expect(kept.length).toBeGreaterThan(0)
  })
})

describe('a wrong configuration', () => {
  test.each([
    [{ PULLWAY_CONFIG: 'upstreams: { docker.io: { ebled: true } }' }, 'ebled'],
    [{ PULLWAY_S3_BUCKET: 'layers' }, 'PULLWAY_S3_ENDPOINT'],
    [{ UPSTASH_REDIS_REST_URL: 'https://redis.test' }, 'UPSTASH_REDIS_REST_TOKEN'],
    [{ KV_REST_API_URL: 'rediss://redis.test', KV_REST_API_TOKEN: 'secret' }, 'KV_REST_API_URL'],
  ])('%j answers 500, and only the log says why', async (environment, key) => {
    const { console, get } = deploy('edge', environment)
    expect(console.lines('error')).toEqual([])
    const answer = await readAnswer(await get('/v2/'))
    expect(answer.status).toBe(500)
    expect(answer.code).toBe('UNKNOWN')
    expect(answer.text).not.toContain(key)
    const logged = console.lines('error').join('\n')
    expect(logged).toContain(key)
    expect(logged).not.toContain('secret')
  })

  test('answers HEAD without a body', async () => {
    const { get } = deploy('node', { PULLWAY_CONFIG: 'listen: [' })
    const answer = await readAnswer(await get('/v2/', { method: 'HEAD' }))
    expect([answer.status, answer.text]).toEqual([500, ''])
  })
})
