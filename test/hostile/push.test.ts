import { describe, expect, test } from 'vitest'
import { readAnswer, type Answered } from '../fakes/mirror.ts'
import { createRelayWorld, type RelayWorld } from '../pull/relay-world.ts'

const root = '/v2/registry.test/team/app/blobs/uploads/'
const rights = 'repository:registry.test/team/app:pull,push'

function createPushWorld(locate?: (path: string) => string): RelayWorld {
  return createRelayWorld({
    config: { push: { enabled: true } },
    ...(locate && { settings: { locate } }),
  })
}

async function send(
  { mirror }: RelayWorld,
  method: string,
  path: string,
  authorization: string,
): Promise<Answered> {
  const body = method === 'PATCH' || method === 'PUT' ? new Uint8Array([1, 2, 3]) : undefined
  return readAnswer(
    await mirror.fetch(path, { method, headers: { authorization }, ...(body && { body }) }),
  )
}

describe('an upload sent to', () => {
  test.each([
    'http://127.0.0.1/latest/meta-data',
    'https://127.0.0.1:8443/x',
    'https://169.254.169.254/latest',
    'https://[::1]/x',
    'https://[::ffff:10.0.0.1]/x',
    'https://10.0.0.1/x',
    'https://localhost/x',
    'https://metadata.google.internal/x',
    'http://registry.test/v2/team/app/blobs/uploads/1',
    'https://user:pass@uploads.registry.test/x',
    'file:///etc/passwd',
    'ftp://uploads.registry.test/x',
    'javascript:alert(1)',
    'https://',
  ])('%s is refused, and no client is led there', async (location) => {
    const world = createPushWorld(() => location)
    const authorization = await world.login('owner', rights)
    const before = world.registry.calls.length
    const answer = await send(world, 'POST', root, authorization)
    expect(answer.status).toBe(503)
    expect(answer.headers.get('location')).toBeNull()
    expect(world.registry.calls).toHaveLength(before + 1)
  })

  test('another host goes there through us, without the client’s token', async () => {
    const world = createPushWorld(
      (path) => `https://uploads.registry.test/u/${idOf(path)}?sig=a%2Bb`,
    )
    const authorization = await world.login('owner', rights)
    world.registry.change({ scheme: 'open' })
    const begun = await send(world, 'POST', root, authorization)
    const at = begun.headers.get('location') ?? ''
    expect(at).toMatch(/\/v2\/registry\.test\/team\/app\/blobs\/uploads\/~[0-9a-f]{64}\?sig=a%2Bb$/)
    expect(at).not.toContain('uploads.registry.test')
    expect((await send(world, 'PATCH', at, authorization)).status).toBe(202)
    const there = world.registry.calls.filter(({ url }) => url.host === 'uploads.registry.test')
    expect(there.map(({ url }) => url.search)).toEqual(['?sig=a%2Bb'])
    expect(there.map(({ headers, network }) => [headers.get('authorization'), network])).toEqual([
      [null, 'public'],
    ])
  })

  test.each([
    '/other/place/1?x=1',
    '/v2/team/other/blobs/uploads/1',
    '/v2/team/app/blobs/uploads/a%2fb',
    '/v2/team/app/blobs/uploads/~1',
  ])('%s of its own host keeps its address to itself', async (location) => {
    const world = createPushWorld(() => location)
    const authorization = await world.login('owner', rights)
    const begun = await send(world, 'POST', root, authorization)
    expect(begun.headers.get('location')).toMatch(/\/blobs\/uploads\/~[0-9a-f]{64}(?:\?x=1)?$/)
    const other = begun.headers.get('location')!.replace('team/app', 'team/other')
    const elsewhere = await send(world, 'PATCH', other, authorization)
    expect([elsewhere.status, elsewhere.code]).toEqual([404, 'BLOB_UPLOAD_UNKNOWN'])
  })
})

describe('the path of an upload', () => {
  const before = '/v2/registry.test/team/app/blobs/uploads'
  const rows = [
    `${before}/../../../../secrets`,
    `${before}/..%2f..%2f..%2fsecrets`,
    `${before}/%2e%2e/%2e%2e/manifests/latest`,
    `${before}/a/../../manifests/latest`,
    `${before}/a//b`,
    `${before}/a%00b`,
    `${before}/a%0d%0ax-evil:1`,
    `${before}/a\\b`,
    `${before}/https://evil.example/x`,
    `${before}//evil.example/x`,
    `${before}/~${'0'.repeat(64)}`,
    `${before}/~../../x`,
    `${before}/~`,
    `${before}/a%23b`,
    `${before}/a%3fb`,
    `${before}/a;b`,
    `${before}/a b`,
    `${before}/@evil.example`,
    `${before}x/1`,
  ]

  test.each(rows)('leads nowhere but to uploads of that repository: %s', async (path) => {
    const world = createPushWorld()
    const authorization = await world.login('owner', rights)
    const known = world.registry.calls.length
    const answer = await send(world, 'PATCH', path, authorization)
    expect(answer.status).toBeGreaterThanOrEqual(400)
    for (const { url } of world.registry.calls.slice(known)) {
      expect(url.host).toBe('registry.test')
      expect(url.pathname).toMatch(/^\/v2\/team\/app\/blobs\/uploads\/(?!.*\.\.)/)
    }
  })
})

describe('a push', () => {
  test.each([
    ['of a name that is none', '/v2/registry.test/Team/App/blobs/uploads/', 400],
    ['of a registry that is not served', '/v2/evil.example/x/blobs/uploads/', 404],
    ['of no name', '/v2//blobs/uploads/', 405],
    ['with an encoded slash', '/v2/registry.test/team%2fapp/blobs/uploads/', 400],
    ['below nothing', '/v2/blobs/uploads/', 405],
  ])('%s is refused', async (_, path, status) => {
    const world = createPushWorld()
    const authorization = await world.login('owner', rights)
    const before = world.registry.calls.length
    expect((await send(world, 'POST', path, authorization)).status).toBe(status)
    expect(world.registry.calls).toHaveLength(before)
  })

  test.each([301, 302, 303, 307, 308])('is not sent on by a %i', async (status) => {
    const world = createPushWorld()
    const authorization = await world.login('owner', rights)
    world.registry.change({
      instead: () => new Response(null, { status, headers: { location: 'https://evil.example/' } }),
    })
    const answer = await send(
      world,
      'PUT',
      `${root}1?digest=sha256:${'a'.repeat(64)}`,
      authorization,
    )
    expect(answer.status).toBe(503)
    expect(world.registry.calls.some(({ url }) => url.host === 'evil.example')).toBe(false)
  })

  test('carries nothing else of the client', async () => {
    const world = createPushWorld()
    const authorization = await world.login('owner', rights)
    await world.mirror.fetch(root, {
      method: 'POST',
      headers: { authorization, cookie: 'a=b', 'x-forwarded-for': '10.0.0.1', 'x-evil': '1' },
    })
    const { headers } = world.registry.calls.at(-1)!
    for (const name of ['cookie', 'x-forwarded-for', 'x-evil']) expect(headers.get(name)).toBeNull()
  })

  test.each([
    ['of more than 4 MiB', new Uint8Array(5 * 2 ** 20), 413],
    ['that is none is the upstream’s to refuse', new Uint8Array([1]), 201],
  ])('takes no manifest %s', async (_, body, status) => {
    const world = createPushWorld()
    const authorization = await world.login('owner', rights)
    const path = '/v2/registry.test/team/app/manifests/v1'
    const headers = { authorization, 'content-type': 'application/json' }
    const answer = await world.mirror.fetch(path, { method: 'PUT', headers, body })
    expect(answer.status).toBe(status)
    if (status === 413) expect(world.registry.repositories.has('team/app')).toBe(false)
  })

  test.each([
    [400, 'DIGEST_INVALID', 400, 'DIGEST_INVALID'],
    [400, 'MANIFEST_BLOB_UNKNOWN', 400, 'MANIFEST_BLOB_UNKNOWN'],
    [403, 'DENIED', 403, 'DENIED'],
    [404, '__proto__', 404, 'NAME_UNKNOWN'],
    [409, 'CONFLICT', 409, 'UNKNOWN'],
    [413, 'toString', 413, 'SIZE_INVALID'],
    [416, 'RANGE_INVALID', 416, 'RANGE_INVALID'],
    [429, 'TOOMANYREQUESTS', 429, 'TOOMANYREQUESTS'],
    [500, 'UNKNOWN', 503, 'UNAVAILABLE'],
  ])('answered %i %s is a %i %s', async (status, code, shownStatus, shownCode) => {
    const world = createPushWorld()
    const authorization = await world.login('owner', rights)
    const body = JSON.stringify({ errors: [{ code, message: 'no\nsuch\u001bthing' }] })
    world.registry.change({ instead: () => new Response(body, { status }) })
    const answer = await send(world, 'PATCH', `${root}1`, authorization)
    expect([answer.status, answer.code]).toEqual([shownStatus, shownCode])
    expect(answer.message).not.toMatch(/[\n\u001b]/)
  })
})

function idOf(path: string): string {
  return /uploads\/([\w-]+)/.exec(path)?.[1] ?? ''
}
