import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest'
import { until } from '../clients/process.ts'
import { makeImage } from '../clients/upstream/images.ts'
import { accept, expectContent, expectError } from './expect.ts'
import type { Answer } from './http.ts'
import { topOf } from './pull.ts'
import { startWorldWith, type World } from './world.ts'
import { lineOf } from '../fakes/user-line.ts'

const image = makeImage('owner/pullway-login:1.0', [50_000])
const forAlice = makeImage('owner/pullway-alice:1.0', [50_000])
const manifest = '/v2/owner/pullway-login/manifests/1.0'
const secret = `pwt_${'a1'.repeat(32)}`
const digest = createHash('sha256').update(secret).digest('hex')

const access = {
  users: {
    entries: [
      lineOf('alice', 'alice-password'),
      lineOf('bob', 'bob-password'),
      `ci:$token$${digest}$expires=2099-12-31$images=docker.io/owner/pullway-login`,
    ],
    tokenKey: 'a key for the acceptance suite, of enough characters',
  },
  rules: [
    { users: ['alice'], images: ['**'] },
    { users: ['*'], images: ['docker.io/owner/pullway-login'] },
  ],
}

let world: World

beforeAll(async () => {
  world = await startWorldWith({ access }, image, forAlice)
})

beforeEach(() => world.reset())

afterAll(() => world.stop())

function basic(login: string): Record<string, string> {
  return { accept, authorization: `Basic ${Buffer.from(login).toString('base64')}` }
}

function bearer(answer: Answer): Record<string, string> {
  expect({ status: answer.status, text: answer.body.toString() }).toMatchObject({ status: 200 })
  const { token } = JSON.parse(answer.body.toString()) as { token: string }
  return { accept, authorization: `Bearer ${token}` }
}

test('who has not logged in is told where, by one challenge, at /v2/ and at objects', async () => {
  // A Function URL has TLS, which its stand-in has not.
  const scheme = inject('target') === 'lambda' ? 'https' : 'http'
  const realm = `Bearer realm="${scheme}://${world.host}/token",service="${world.host}"`
  const ping = await world.ask('/v2/')
  expectError(ping, { status: 401, code: 'UNAUTHORIZED' })
  expect(ping.headers['www-authenticate']).toBe(realm)
  const scope = 'repository:owner/pullway-login:pull'
  for (const method of ['GET', 'HEAD']) {
    const answer = await world.ask(manifest, { method, headers: { accept } })
    expect(answer.status).toBe(401)
    expect(answer.headers['www-authenticate']).toBe(`${realm},scope="${scope}"`)
  }
  expectError(await world.ask('/token'), { status: 401, code: 'UNAUTHORIZED' })
  expect(world.stage.asked()).toEqual([])
})

test('a token by GET with Basic pulls the image', async () => {
  const query = '?service=x&account=bob&scope=repository:owner/pullway-login:pull'
  const headers = bearer(await world.ask(`/token${query}`, { headers: basic('bob:bob-password') }))
  expect((await world.ask('/v2/', { headers })).status).toBe(200)
  expectContent(await world.ask(manifest, { headers }), topOf(image))
  const [layer] = image.blobs
  const path = `/v2/owner/pullway-login/blobs/${layer!.digest}`
  expectContent(await world.ask(path, { headers }), layer!)
})

test('a token by POST of a form, and its refresh token', async () => {
  const post = (form: Record<string, string>): Promise<Answer> => {
    const body = new URLSearchParams(form).toString()
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': String(body.length),
    }
    return world.ask('/token', { method: 'POST', headers, body })
  }
  const login = { username: 'alice', password: 'alice-password', access_type: 'offline' }
  const answer = await post({ grant_type: 'password', ...login })
  expectContent(await world.ask(manifest, { headers: bearer(answer) }), topOf(image))
  const { refresh_token: refresh } = JSON.parse(answer.body.toString()) as Record<string, string>
  const again = await post({ grant_type: 'refresh_token', refresh_token: refresh ?? '' })
  expectContent(await world.ask(manifest, { headers: bearer(again) }), topOf(image))
  const wrong = await post({ grant_type: 'password', username: 'alice', password: 'wrong' })
  expectError(wrong, { status: 401, code: 'UNAUTHORIZED' })
})

test('a wrong password is refused, at the token endpoint and at an image', async () => {
  for (const path of ['/token', '/v2/', manifest]) {
    const answer = await world.ask(path, { headers: basic('alice:wrong-password') })
    expectError(answer, { status: 401, code: 'UNAUTHORIZED' })
  }
  expect(world.stage.asked()).toEqual([])
})

test('Basic straight at an image, and an image that rules deny', async () => {
  expectContent(await world.ask(manifest, { headers: basic('bob:bob-password') }), topOf(image))
  const path = '/v2/owner/pullway-alice/manifests/1.0'
  const mine = await world.ask(path, { headers: basic('alice:alice-password') })
  expectContent(mine, topOf(forAlice))
  const denied = await world.ask(path, { headers: basic('bob:bob-password') })
  expectError(denied, { status: 403, code: 'DENIED' })
})

test('a service token is a password and an address, for its images only', async () => {
  const root = `/t/${secret}`
  expect((await world.ask(`${root}/v2/`)).status).toBe(200)
  expectContent(await world.ask(root + manifest, { headers: { accept } }), topOf(image))
  expectContent(await world.ask(manifest, { headers: basic(`ci:${secret}`) }), topOf(image))
  for (const start of [root, `${root}/docker.io`]) {
    const path = `${start}/v2/owner/pullway-alice/manifests/1.0`
    const denied = await world.ask(path, { headers: { accept } })
    expectError(denied, { status: 403, code: 'DENIED' })
  }
  const unknown = await world.ask(`/t/pwt_${'0'.repeat(64)}${manifest}`)
  expectError(unknown, { status: 401, code: 'UNAUTHORIZED' })
})

test('the log has names, and neither passwords nor tokens', async () => {
  const last = `/v2/owner/pullway-login/manifests/${topOf(image).digest}`
  await world.ask(last, { headers: basic('bob:bob-password') })
  await world.ask(`/t/${secret}${last}`, { headers: { accept } })
  await until('the pulls are logged', () => world.mirror.log().includes(`/t/***${last}`))
  // wrangler prints each request in its own words, which no Worker can change.
  const lines = world.mirror.log().split('\n')
  const log = lines.filter((line) => !line.includes('[wrangler:')).join('\n')
  expect(log).toMatch(/bob/)
  for (const part of [secret, digest, 'bob-password', basic('bob:bob-password').authorization!])
    expect(log).not.toContain(part)
})
