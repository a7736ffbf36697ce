import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { readAnswer, type Answered } from '../fakes/mirror.ts'
import { buildImage } from '../fakes/registry/index.ts'
import {
  basicOf,
  createRelayWorld,
  secret,
  type RelayWorld,
  type RelayWorldOptions,
} from './relay-world.ts'

const config = { push: { enabled: true } }
const image = buildImage({ seed: 31 })
const root = '/v2/registry.test/team/app'
const rights = 'repository:registry.test/team/app:pull,push,delete'

function createPushWorld(options: RelayWorldOptions = {}): RelayWorld {
  return createRelayWorld({ ...options, config: { ...config, ...options.config } })
}

/** Sends as a client does: bodies in one piece or as a stream. */
async function send(
  { mirror }: RelayWorld,
  method: string,
  path: string,
  authorization: string,
  body?: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>,
  headers: Record<string, string> = {},
): Promise<Answered> {
  const length = body instanceof Uint8Array ? { 'content-length': String(body.byteLength) } : {}
  const init = {
    method,
    headers: { authorization, ...length, ...headers },
    ...(body && { body, duplex: 'half' }),
  }
  return readAnswer(await mirror.fetch(path, init))
}

async function upload(
  world: RelayWorld,
  authorization: string,
  { digest, bytes }: { digest: string; bytes: Uint8Array<ArrayBuffer> },
): Promise<string[]> {
  const begun = await send(world, 'POST', `${root}/blobs/uploads/`, authorization)
  const at = begun.headers.get('location') ?? ''
  const patched = await send(world, 'PATCH', at, authorization, new Blob([bytes]).stream())
  const next = patched.headers.get('location') ?? ''
  const put = await send(world, 'PUT', `${next}&digest=${digest}`, authorization)
  expect([begun.status, patched.status, put.status]).toEqual([202, 202, 201])
  expect(patched.headers.get('range')).toBe(`0-${String(bytes.byteLength - 1)}`)
  expect(put.headers.get('location')).toBe(`http://mirror.test${root}/blobs/${digest}`)
  return [at, next]
}

async function pushImage(world: RelayWorld, authorization: string, tag: string): Promise<void> {
  for (const blob of image.blobs) await upload(world, authorization, blob)
  const { bytes, mediaType, digest } = image.root
  const put = await send(world, 'PUT', `${root}/manifests/${tag}`, authorization, bytes, {
    'content-type': mediaType,
  })
  expect([put.status, put.headers.get('docker-content-digest')]).toEqual([201, digest])
}

describe('a push', () => {
  test('goes to the upstream with the client’s own account, and can be pulled at once', async () => {
    const world = createPushWorld()
    const { registry, mirror, login } = world
    const authorization = await login('owner', rights)
    await pushImage(world, authorization, 'v1')
    const stored = registry.repositories.get('team/app')
    expect(stored?.tags.get('v1')).toBe(image.root.digest)
    for (const { digest, bytes } of image.blobs)
      expect(Buffer.compare(stored!.blobs.get(digest)!, bytes)).toBe(0)
    const pulled = await mirror.get(`${root}/manifests/v1`, { authorization })
    expect(Buffer.compare(pulled.bytes, image.root.bytes)).toBe(0)
    for (const { digest, bytes } of image.blobs) {
      const answer = await mirror.get(`${root}/blobs/${digest}`, { authorization })
      expect(Buffer.compare(answer.bytes, bytes)).toBe(0)
    }
    const written = registry.calls.filter(({ method }) => method !== 'GET' && method !== 'HEAD')
    expect(new Set(written.map(({ headers }) => headers.get('authorization')))).toEqual(
      new Set(['Bearer token-owner-0']),
    )
    expect(written.filter(({ method }) => method === 'PATCH').map((one) => one.isStreamed)).toEqual(
      image.blobs.map(() => true),
    )
  })

  test('keeps the opaque query of its Location, on the host that the client used', async () => {
    const world = createPushWorld()
    const authorization = await world.login('owner', rights)
    const [at] = await upload(world, authorization, image.blobs[0]!)
    expect(at).toMatch(
      /^http:\/\/mirror\.test\/v2\/registry\.test\/team\/app\/blobs\/uploads\/[\w-]+\?_state=a%2Fb%3D%3D$/,
    )
  })

  test('makes a moved tag fresh at once', async () => {
    const world = createPushWorld()
    const { mirror, login } = world
    const authorization = await login('owner', rights)
    world.registry.put('team/app', 'v1', secret)
    const before = await mirror.get(`${root}/manifests/v1`, { authorization })
    expect(before.headers.get('docker-content-digest')).toBe(secret.root.digest)
    await pushImage(world, authorization, 'v1')
    for (const answer of [
      await mirror.head(`${root}/manifests/v1`, { authorization }),
      await mirror.get(`${root}/manifests/v1`, { authorization }),
    ])
      expect(answer.headers.get('docker-content-digest')).toBe(image.root.digest)
  })

  test.each(['v1', image.root.digest])(
    'that deletes %s leaves nothing of it',
    async (reference) => {
      const world = createPushWorld()
      const { mirror, login } = world
      const authorization = await login('owner', rights)
      world.registry.put('team/app', 'v1', image)
      await mirror.get(`${root}/manifests/v1`, { authorization })
      const answer = await send(world, 'DELETE', `${root}/manifests/${reference}`, authorization)
      expect(answer.status).toBe(202)
      const gone = await mirror.get(`${root}/manifests/${reference}`, { authorization })
      expect([gone.status, gone.code]).toEqual([404, 'MANIFEST_UNKNOWN'])
      if (reference === 'v1') return
      expect((await mirror.get(`${root}/manifests/v1`, { authorization })).status).toBe(404)
    },
  )

  test('finds a blob that was not there a moment ago', async () => {
    const world = createPushWorld()
    const authorization = await world.login('owner', rights)
    const [blob] = image.blobs
    const path = `${root}/blobs/${blob!.digest}`
    expect((await world.mirror.head(path, { authorization })).status).toBe(404)
    await upload(world, authorization, blob!)
    const found = await world.mirror.head(path, { authorization })
    expect([found.status, found.headers.get('content-length')]).toEqual([
      200,
      String(blob!.bytes.byteLength),
    ])
  })

  test('deletes a blob, which is then not served from the cache', async () => {
    const world = createPushWorld()
    const authorization = await world.login('owner', rights)
    world.registry.put('team/app', 'v1', image)
    const path = `${root}/blobs/${image.blobs[0]!.digest}`
    expect((await world.mirror.get(path, { authorization })).status).toBe(200)
    await world.mirror.settle()
    expect((await send(world, 'DELETE', path, authorization)).status).toBe(202)
    expect((await world.mirror.get(path, { authorization })).status).toBe(404)
  })

  test('that is given up is given up at the upstream', async () => {
    const world = createPushWorld()
    const authorization = await world.login('owner', rights)
    const begun = await send(world, 'POST', `${root}/blobs/uploads/`, authorization)
    const at = begun.headers.get('location') ?? ''
    const state = await send(world, 'GET', at, authorization)
    expect([state.status, state.headers.get('range')]).toEqual([204, '0-0'])
    expect((await send(world, 'DELETE', at, authorization)).status).toBe(204)
    const late = await send(world, 'PATCH', at, authorization, new Uint8Array(3))
    expect([late.status, late.code]).toEqual([404, 'BLOB_UPLOAD_UNKNOWN'])
  })
})

describe('a mount', () => {
  const digest = secret.blobs[0]!.digest
  const path = `${root}/blobs/uploads/?mount=${digest}&from=`

  test.each([
    ['by the prefix', 'registry.test/private/app', 201, 'private/app'],
    ['at another upstream is an upload', 'docker.io/library/alpine', 202, null],
    ['at no registry is an upload', 'unknown.example/x', 202, null],
    ['from no name is an upload', '../../private/app', 202, null],
  ])('%s', async (_, from, status, asked) => {
    const world = createPushWorld()
    const authorization = await world.login(
      'owner',
      rights,
      'repository:registry.test/private/app:pull',
    )
    const answer = await send(world, 'POST', path + encodeURIComponent(from), authorization)
    expect(answer.status).toBe(status)
    const { url } = world.registry.calls.at(-1)!
    expect(url.searchParams.get('from')).toBe(asked)
    if (status === 201)
      expect(answer.headers.get('location')).toBe(`http://mirror.test${root}/blobs/${digest}`)
  })

  test('from a repository that the client may not read is the upstream’s to refuse', async () => {
    const world = createPushWorld({
      settings: { mayDo: (_, repository) => !repository.startsWith('private/') },
    })
    const authorization = await world.login('stranger', rights)
    const from = encodeURIComponent('registry.test/private/app')
    const answer = await send(world, 'POST', path + from, authorization)
    expect([answer.status, answer.code]).toEqual([401, 'UNAUTHORIZED'])
    expect(answer.headers.get('www-authenticate')).toContain(
      'scope="repository:registry.test/team/app:pull,push repository:registry.test/private/app:pull"',
    )
  })
})

describe('405', () => {
  const rows: readonly [string, object, string, string][] = [
    ['push is off', { push: { enabled: false } }, 'PUT', `${root}/manifests/v1`],
    ['push is off', {}, 'POST', `${root}/blobs/uploads/`],
    ['push is off', {}, 'PATCH', `${root}/blobs/uploads/1`],
    ['push is off', {}, 'DELETE', `${root}/manifests/v1`],
    ['no relay upstream', config, 'PUT', '/v2/ghcr.io/team/app/manifests/v1'],
    ['no relay upstream', config, 'DELETE', `/v2/ghcr.io/team/app/blobs/sha256:${'a'.repeat(64)}`],
  ]

  test.each(rows)('%s: %o %s %s', async (_, given, method, path) => {
    const { mirror, registry } = createRelayWorld({ config: given })
    const headers = { authorization: basicOf('owner') }
    const answer = await readAnswer(await mirror.fetch(path, { method, headers }))
    expect([answer.status, answer.code]).toEqual([405, 'UNSUPPORTED'])
    expect(answer.message).toMatch(/as (?:ghcr\.io|registry\.test)\/team\/app$/)
    expect(registry.calls).toEqual([])
  })

  test('never for HEAD', async () => {
    const { mirror } = createRelayWorld()
    const answer = await mirror.head(`${root}/blobs/uploads/1`)
    expect(answer.status).toBe(404)
  })
})

test('a blob in one piece is streamed, too', async () => {
  const world = createPushWorld()
  const authorization = await world.login('owner', rights)
  const chunk = new Uint8Array(64 * 1024)
  let given = 0
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      given += chunk.byteLength
      controller.enqueue(chunk)
      if (given >= 8 * 2 ** 20) controller.close()
    },
  })
  const hash = createHash('sha256')
    .update(Buffer.alloc(8 * 2 ** 20))
    .digest('hex')
  const begun = await send(world, 'POST', `${root}/blobs/uploads/`, authorization)
  const at = `${begun.headers.get('location') ?? ''}&digest=sha256:${hash}`
  const put = await send(world, 'PUT', at, authorization, body)
  expect([put.status, world.registry.calls.at(-1)!.isStreamed]).toEqual([201, true])
})

test.each([
  [1_000, 202],
  [1_001, 413],
])('of a platform that takes 1000 bytes at once, %i bytes are a %i', async (size, status) => {
  const delivery = { prefers: 'stream', maxUploadBytes: 1_000 } as const
  const world = createPushWorld({ delivery })
  const authorization = await world.login('owner', rights)
  const begun = await send(world, 'POST', `${root}/blobs/uploads/`, authorization)
  const at = begun.headers.get('location') ?? ''
  const answer = await send(world, 'PATCH', at, authorization, new Uint8Array(size))
  expect(answer.status).toBe(status)
  if (status === 202) return
  expect(answer.code).toBe('SIZE_INVALID')
  expect(answer.message).toContain('push in smaller chunks, through a mirror on a server')
})

describe('an upload that does not move', () => {
  test('is given up after the idle time, and the client is told', async () => {
    const world = createPushWorld()
    const authorization = await world.login('owner', rights)
    const begun = await send(world, 'POST', `${root}/blobs/uploads/`, authorization)
    const stuck = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        controller.enqueue(new Uint8Array(10))
        return new Promise(() => undefined)
      },
    })
    const at = begun.headers.get('location') ?? ''
    const answer = await world.mirror.drive(send(world, 'PATCH', at, authorization, stuck))
    expect([answer.status, answer.code]).toEqual([504, 'UNAVAILABLE'])
  })
})
