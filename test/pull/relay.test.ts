import { describe, expect, test } from 'vitest'
import { basicOf, createRelayWorld, open, secret } from './relay-world.ts'

const manifest = '/v2/registry.test/private/app/manifests/latest'
const [layer] = secret.blobs
const blob = `/v2/registry.test/private/app/blobs/${layer!.digest}`
const scope = 'repository:registry.test/private/app:pull'

describe('a private image', () => {
  test('is asked for with a login, at our own token endpoint', async () => {
    const { mirror, registry } = createRelayWorld()
    const answer = await mirror.get(manifest)
    expect([answer.status, answer.code]).toEqual([401, 'UNAUTHORIZED'])
    expect(answer.headers.get('www-authenticate')).toBe(
      `Bearer realm="http://mirror.test/token",service="registry.test",scope="${scope}"`,
    )
    expect(registry.calls).toEqual([])
  })

  test('comes to its owner, with the owner’s own account, and is kept', async () => {
    const { mirror, registry, login } = createRelayWorld()
    const authorization = await login('owner', scope)
    for (const path of [manifest, blob]) {
      expect((await mirror.get(path, { authorization })).status, path).toBe(200)
    }
    await mirror.settle()
    registry.takeLines()
    const again = await mirror.get(blob, { authorization })
    expect(again.headers.get('cache-status')).toContain('hit')
    expect(Buffer.compare(again.bytes, layer!.bytes)).toBe(0)
    expect(registry.takeLines()).toEqual([])
    const realm = registry.calls.filter(({ url }) => url.host === 'auth.registry.test')
    expect(realm.map(({ url }) => url.searchParams.getAll('scope'))).toEqual([
      ['repository:private/app:pull'],
    ])
    expect(realm.map(({ headers }) => headers.get('authorization'))).toEqual([basicOf('owner')])
  })

  test.each([
    ['a stranger', 'stranger'],
    ['nobody', undefined],
  ])('is not served to %s after its owner has filled the cache', async (_, user) => {
    const { mirror, registry, login } = createRelayWorld()
    const owner = { authorization: await login('owner', scope) }
    await mirror.get(manifest, owner)
    await mirror.get(blob, owner)
    await mirror.settle()
    const authorization = await login(user, scope)
    registry.takeLines()
    for (const path of [
      manifest,
      manifest.replace('latest', secret.root.digest),
      blob,
      '/v2/registry.test/private/app/tags/list',
      `/v2/registry.test/private/app/referrers/${secret.root.digest}`,
    ]) {
      for (const answer of [
        await mirror.get(path, { authorization }),
        await mirror.head(path, { authorization }),
      ]) {
        expect([answer.status, path]).toEqual([401, path])
        expect(answer.headers.get('www-authenticate')).toContain('error="insufficient_scope"')
        expect(answer.bytes.byteLength === 0 || answer.code === 'UNAUTHORIZED').toBe(true)
      }
    }
    expect(registry.takeLines()).not.toEqual([])
  })

  test('is served stale to its owner only, while the upstream is in trouble', async () => {
    const config = { cache: { tags: { freshFor: '0s' } } }
    const { mirror, registry, login } = createRelayWorld({ config })
    const owner = { authorization: await login('owner', scope) }
    const stranger = { authorization: await login('stranger', scope) }
    for (const path of [manifest, ...secret.blobs.map((one) => blobOf('private/app', one.digest))])
      await mirror.get(path, owner)
    await mirror.settle()
    registry.change({ instead: () => new Response(null, { status: 503 }) })
    const stale = await mirror.get(manifest, owner)
    expect([stale.status, stale.headers.get('warning') !== null]).toEqual([200, true])
    expect((await mirror.get(manifest, stranger)).status).toBe(503)
    expect((await mirror.get(blob, stranger)).status).toBe(503)
  })
})

describe('what the upstream said', () => {
  test('is remembered for no longer than the token lives', async () => {
    const { mirror, registry, login } = createRelayWorld({ settings: { lifeSeconds: 100 } })
    const owner = { authorization: await login('owner', scope) }
    await mirror.get(blob, owner)
    await mirror.settle()
    registry.revoke()
    await mirror.clock.advance(99_000)
    expect((await mirror.get(blob, owner)).status).toBe(200)
    await mirror.clock.advance(2_000)
    expect((await mirror.get(blob, owner)).status).toBe(401)
  })

  test.each([
    ['a token that lives for hours', { lifeSeconds: 43_200 }, 300],
    ['a token that does not say how long', { lifeSeconds: undefined }, 60],
  ])('is asked again: %s', async (_, settings, seconds) => {
    const { mirror, registry, login } = createRelayWorld({ settings })
    const owner = { authorization: await login('owner', scope) }
    await mirror.get(blob, owner)
    await mirror.settle()
    registry.revoke()
    await mirror.clock.advance((seconds - 1) * 1000)
    expect((await mirror.get(blob, owner)).status).toBe(200)
    await mirror.clock.advance(2_000)
    expect((await mirror.get(blob, owner)).status).toBe(401)
  })

  test('is remembered for some seconds when it was no', async () => {
    const { mirror, registry, login } = createRelayWorld()
    const stranger = { authorization: await login('stranger', scope) }
    await mirror.get(manifest, stranger)
    registry.takeLines()
    expect((await mirror.get(manifest, stranger)).status).toBe(401)
    expect(registry.takeLines()).toEqual([])
    await mirror.clock.advance(6_000)
    await mirror.get(manifest, stranger)
    expect(registry.takeLines()).toEqual(['HEAD registry.test/v2/private/app/manifests/latest'])
  })

  test('holds for one repository: a token of one opens no other', async () => {
    const { mirror, login } = createRelayWorld()
    const authorization = await login('owner', 'repository:registry.test/public/app:pull')
    const [known] = open.blobs
    const path = blobOf('public/app', known!.digest)
    expect((await mirror.get(path, { authorization })).status).toBe(200)
    expect((await mirror.get(manifest, { authorization })).status).toBe(401)
    expect((await mirror.get(blob, { authorization })).status).toBe(401)
  })

  test('of one caller’s blob opens no blob that is guessed in another repository', async () => {
    const { mirror, login } = createRelayWorld()
    const owner = { authorization: await login('owner', scope) }
    await mirror.get(blob, owner)
    await mirror.settle()
    const both = await login('stranger', 'repository:registry.test/public/app:pull')
    const publicManifest = '/v2/registry.test/public/app/manifests/latest'
    expect((await mirror.get(publicManifest, { authorization: both })).status).toBe(200)
    const guessed = await mirror.get(blobOf('public/app', layer!.digest), { authorization: both })
    expect([guessed.status, guessed.code]).toEqual([404, 'BLOB_UNKNOWN'])
  })
})

test('a manifest that names another’s blob opens it to nobody', async () => {
  const { mirror, registry, login } = createRelayWorld()
  const owner = { authorization: await login('owner', scope) }
  await mirror.get(blob, owner)
  await mirror.settle()
  // The upstream takes it without looking for the blob, as some do.
  registry.put('public/trap', 'latest', { ...secret, blobs: [] })
  const authorization = await login('stranger', 'repository:registry.test/public/trap:pull')
  const trap = await mirror.get('/v2/registry.test/public/trap/manifests/latest', { authorization })
  expect(trap.status).toBe(200)
  const stolen = await mirror.get(blobOf('public/trap', layer!.digest), { authorization })
  expect([stolen.status, stolen.code]).toEqual([404, 'BLOB_UNKNOWN'])
})

test('a running download is not handed to a caller before the upstream said yes to that one, too', async () => {
  const { mirror, registry, login } = createRelayWorld()
  const owner = { authorization: await login('owner', scope) }
  const stranger = { authorization: await login('stranger', scope) }
  const answers = await Promise.all(
    [owner, stranger, owner, stranger].map((headers) => mirror.get(blob, headers)),
  )
  expect(answers.map(({ status }) => status)).toEqual([200, 401, 200, 401])
  const gets = registry.calls.filter(
    ({ method, url, headers }) =>
      method === 'GET' && url.pathname.includes('/blobs/') && !headers.has('range'),
  )
  expect(gets).toHaveLength(1)
})

function blobOf(repository: string, digest: string): string {
  return `/v2/registry.test/${repository}/blobs/${digest}`
}
