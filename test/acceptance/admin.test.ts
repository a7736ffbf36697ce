import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest'
import { makeImage } from '../clients/upstream/images.ts'
import { accept, expectError } from './expect.ts'
import type { Answer } from './http.ts'
import { startWorldWith, type World } from './world.ts'
import { lineOf } from '../fakes/user-line.ts'

const image = makeImage('owner/pullway-admin:1.0', [1000])
const access = {
  users: {
    entries: [lineOf('alice', 'alice-password'), lineOf('bob', 'bob-password')],
    anonymous: true,
    tokenKey: 'a key for the acceptance suite, of enough characters',
  },
  rules: [{ users: ['anonymous', '*'], images: ['**'] }],
  admins: ['alice'],
}

let world: World

beforeAll(async () => {
  world = await startWorldWith({ access }, image)
})

beforeEach(() => world.reset())

afterAll(() => world.stop())

function ask(path: string, login?: string, method = 'GET'): Promise<Answer> {
  const authorization = login && `Basic ${Buffer.from(login).toString('base64')}`
  return world.ask(path, { method, headers: { ...(authorization && { authorization }) } })
}

const alice = 'alice:alice-password'

test('an administrator sees how an upstream fares', async () => {
  const pulled = await world.ask('/v2/owner/pullway-admin/manifests/1.0', { headers: { accept } })
  expect(pulled.status).toBe(200)
  const answer = await ask('/api/v1/upstreams/docker.io', alice)
  expect([answer.status, answer.headers['cache-control']]).toEqual([200, 'no-store'])
  expect(answer.headers['content-length']).toBe(String(answer.body.byteLength))
  const hub = JSON.parse(answer.body.toString()) as { name: string; endpoints: object[] }
  expect(hub.name).toBe('docker.io')
  // On Lambda, each request may be another instance's.
  const endpoint = new URL(world.stage.url).host
  if (inject('target') !== 'lambda') expect(hub.endpoints).toMatchObject([{ endpoint, up: true }])
  const all = await ask('/api/v1/upstreams', alice)
  expect(all.body.toString()).toContain('"reader.example.com"')
  expect(all.body.toString()).not.toMatch(/"(?:username|password)"/)
})

test('nobody else does', async () => {
  for (const path of ['/api/v1/upstreams', '/api/docs', '/api/openapi.json', '/api/nothing']) {
    const unknown = await ask(path)
    expectError(unknown, { status: 401, code: 'UNAUTHORIZED' })
    expect(unknown.headers['www-authenticate']).toBe('Basic realm="pullway"')
    expectError(await ask(path, 'alice:bob-password'), { status: 401, code: 'UNAUTHORIZED' })
    expectError(await ask(path, 'bob:bob-password'), { status: 403, code: 'DENIED' })
    expectError(await ask(path, alice, 'POST'), { status: 405, code: 'UNSUPPORTED' })
  }
})

test('its description and the page of it come along', async () => {
  const described = await ask('/api/openapi.json', alice)
  expect(described.status).toBe(200)
  const { openapi, paths } = JSON.parse(described.body.toString()) as {
    openapi: string
    paths: object
  }
  expect(openapi).toBe('3.1.0')
  expect(Object.keys(paths)).toEqual(['/api/v1/upstreams', '/api/v1/upstreams/{name}'])
  const page = await ask('/api/docs?lang=zh', alice)
  expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
  expect(page.body.toString()).toContain('管理 API')
  const head = await ask('/api/docs?lang=zh', alice, 'HEAD')
  expect([head.status, head.body.byteLength]).toEqual([200, 0])
})

test('a repository named api is pulled as any other', async () => {
  const answer = await world.ask('/v2/api/v1/manifests/1.0', { headers: { accept } })
  expect([403, 404]).toContain(answer.status)
  expect(world.stage.asked().map(({ path }) => path)).toContain('/v2/api/v1/manifests/1.0')
})
