import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { toDigest } from '../clients/digest.ts'
import { until } from '../clients/process.ts'
import { makeImage, type Content, type Image } from '../clients/upstream/images.ts'
import { owner, stranger } from '../clients/upstream/upstream.ts'
import { accept, expectContent, expectError } from './expect.ts'
import type { Answer } from './http.ts'
import { onlyWith } from './only-with.ts'
import { topOf } from './pull.ts'
import { relayRegistry, startRelayWorld, type World } from './world.ts'

const secret = makeImage('private/pullway-relayed:1.0', [50_000])
const open = makeImage('owner/pullway-relayed:1.0', [50_000])
const pushed = makeImage('private/pullway-pushed:1.0', [50_000])
const [config, layer] = secret.blobs

let world: World

beforeAll(async () => {
  world = await startRelayWorld(secret, open)
})

beforeEach(() => world.reset())

afterAll(() => world.stop())

type Account = typeof owner

function tokenPath({ repository }: Pick<Image, 'repository'>, actions: string): string {
  return `/token?service=${relayRegistry}&scope=repository:${relayRegistry}/${repository}:${actions}`
}

function basicOf({ username, password }: Account): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

async function login(
  account: Account | undefined,
  image: Image,
  actions = 'pull',
): Promise<Record<string, string>> {
  const headers: Record<string, string> = account ? { authorization: basicOf(account) } : {}
  const answer = await world.ask(tokenPath(image, actions), { headers })
  expect({ status: answer.status, text: answer.body.toString() }).toMatchObject({ status: 200 })
  const { token } = JSON.parse(answer.body.toString()) as { token: string }
  return { accept, authorization: `Bearer ${token}` }
}

function pathOf({ repository }: Pick<Image, 'repository'>, rest: string): string {
  return `/v2/${relayRegistry}/${repository}/${rest}`
}

test('who has not logged in is told where, and an anonymous token opens what is public', async () => {
  const ping = await world.ask('/v2/')
  expectError(ping, { status: 401, code: 'UNAUTHORIZED' })
  expect(ping.headers['www-authenticate']).toMatch(
    /^Bearer realm="https?:\/\/[^"]+\/token",service="pullway"$/,
  )
  const manifest = pathOf(open, 'manifests/1.0')
  const asked = await world.ask(manifest, { headers: { accept } })
  expectError(asked, { status: 401, code: 'UNAUTHORIZED' })
  expect(asked.headers['www-authenticate']).toContain(
    `scope="repository:${relayRegistry}/${open.repository}:pull"`,
  )
  const headers = await login(undefined, open)
  expectContent(await world.ask(manifest, { headers }), topOf(open))
  expect((await world.ask('/v2/', { headers })).status).toBe(200)
})

test("a login is the upstream's to take or to refuse", async () => {
  const query = `/token?account=owner&client_id=docker&offline_token=true&service=${relayRegistry}`
  const wrong = { authorization: basicOf({ ...owner, password: 'guess' }) }
  expectError(await world.ask(query, { headers: wrong }), { status: 401, code: 'UNAUTHORIZED' })
  const right = await world.ask(query, { headers: { authorization: basicOf(owner) } })
  expect(right.status).toBe(200)
  const body = new URLSearchParams({
    grant_type: 'password',
    service: relayRegistry,
    username: owner.username,
    password: owner.password,
  }).toString()
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    'content-length': String(body.length),
  }
  expect((await world.ask('/token', { method: 'POST', headers, body })).status).toBe(200)
})

test('a private image is for its owner, also after the cache has it', async () => {
  const mine = await login(owner, secret)
  expectContent(await world.ask(pathOf(secret, 'manifests/1.0'), { headers: mine }), topOf(secret))
  for (const blob of [config!, layer!])
    expectContent(await world.ask(pathOf(secret, `blobs/${blob.digest}`), { headers: mine }), blob)
  for (const account of [stranger, undefined]) {
    const headers = await login(account, secret)
    for (const rest of ['manifests/1.0', `manifests/${secret.digest}`, `blobs/${layer!.digest}`]) {
      const refused = await world.ask(pathOf(secret, rest), { headers })
      expectError(refused, { status: 401, code: 'UNAUTHORIZED' })
      expect(refused.headers['www-authenticate']).toContain('error="insufficient_scope"')
    }
  }
  const headers = await login(stranger, open)
  const guessed = await world.ask(pathOf(open, `blobs/${layer!.digest}`), { headers })
  expectError(guessed, { status: 404, code: 'BLOB_UNKNOWN' })
})

test('no login and no token reaches the CDN or the log', async () => {
  const headers = await login(owner, secret)
  const path = pathOf(secret, `blobs/${layer!.digest}`)
  expectContent(await world.ask(path, { headers }), layer!)
  const atCdn = world.hub.asked({ host: 'cdn' })
  expect(atCdn.filter(({ authorization }) => authorization)).toEqual([])
  await until('the pull is logged', () => world.mirror.log().includes(`blobs/${layer!.digest}`))
  for (const part of [owner.password, basicOf(owner), headers['authorization']!])
    expect(world.mirror.log()).not.toContain(part)
})

test('an image is pushed through, and pulled back at once', async () => {
  const headers = await login(owner, pushed, 'pull,push')
  for (const blob of pushed.blobs) await pushBlob(blob, headers)
  const top = topOf(pushed)
  const put = await world.ask(pathOf(pushed, 'manifests/1.0'), {
    method: 'PUT',
    headers: { ...headers, 'content-type': top.mediaType },
    body: top.bytes,
  })
  expect(put.status, put.body.toString()).toBe(201)
  expect(put.headers['docker-content-digest']).toBe(top.digest)
  expectContent(await world.ask(pathOf(pushed, 'manifests/1.0'), { headers }), top)
  for (const blob of pushed.blobs)
    expectContent(await world.ask(pathOf(pushed, `blobs/${blob.digest}`), { headers }), blob)
  const refused = await world.ask(pathOf(pushed, 'manifests/1.0'), {
    method: 'PUT',
    headers: { ...(await login(stranger, pushed, 'pull,push')), 'content-type': top.mediaType },
    body: top.bytes,
  })
  expectError(refused, { status: 401, code: 'UNAUTHORIZED' })
})

test('a push to a registry where clients have no accounts is refused by its name', async () => {
  const answer = await world.ask('/v2/ghcr.io/owner/app/blobs/uploads/', { method: 'POST' })
  const message = expectError(answer, { status: 405, code: 'UNSUPPORTED' })
  expect(message).toContain('ghcr.io/owner/app')
})

onlyWith('takes-large-pushes', 'a layer of many megabytes is pushed at once', async () => {
  const bytes = Buffer.alloc(12 * 2 ** 20, 'pullway')
  const blob = { mediaType: 'application/octet-stream', digest: toDigest(bytes), bytes }
  await pushBlob(blob, await login(owner, pushed, 'pull,push'))
})

/** By PATCH and PUT, as docker and podman do, along the addresses that the mirror gives. */
async function pushBlob(
  { digest, bytes }: Content,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  const begun = await world.ask(pathOf(pushed, 'blobs/uploads/'), { method: 'POST', headers })
  expect(begun.status, begun.body.toString()).toBe(202)
  const patched = await world.ask(next(begun), { method: 'PATCH', headers, body: bytes })
  expect(patched.status, patched.body.toString()).toBe(202)
  expect(patched.headers.range).toBe(`0-${bytes.byteLength - 1}`)
  const put = await world.ask(`${next(patched)}&digest=${digest}`, { method: 'PUT', headers })
  expect(put.status, put.body.toString()).toBe(201)
}

function next({ headers }: Answer): string {
  const { host, pathname, search } = new URL(headers.location ?? '')
  expect([host, pathname.startsWith('/v2/')]).toEqual([world.host, true])
  return pathname + search
}
