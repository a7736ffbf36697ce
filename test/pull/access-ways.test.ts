import { createMemoryBlobStore, createMemoryKeyValue } from '@pullway/memory'
import { describe, expect, test } from 'vitest'
import { createFakeClock } from '../fakes/clock.ts'
import { createTestMirror, readAnswer, type TestMirror } from '../fakes/mirror.ts'
import { buildImage, createFakeRegistry, type FakeRegistry } from '../fakes/registry/index.ts'
import { dockerHub } from '../fakes/registry/profiles/docker-hub.ts'

/** A denied image is denied by every name that it has, for everything that it has, also out of a full cache. */

const image = buildImage({ seed: 91, layers: 2, layerBytes: 3_000 })
const other = buildImage({ seed: 92, layers: 1, layerBytes: 500 })
const root = image.root.digest
const layer = image.blobs[0]!.digest

const upstreams = `
upstreams:
  docker.io: { aliases: [hub], hosts: [docker.mirror.example.com] }
`

interface Place {
  readonly mirror: TestMirror
  readonly registry: FakeRegistry
  /** Another mirror with the same cache. */
  readonly beside: (config: string) => TestMirror
}

function createPlace(config = ''): Place {
  const clock = createFakeClock()
  const registry = createFakeRegistry(dockerHub, { clock })
  registry.push('library/app', '1.0', image)
  registry.push('library/app', '2.0', other)
  registry.push('library/other', '1.0', other)
  const blobs = createMemoryBlobStore({ maxBytes: 2 ** 24 })
  const stores = {
    state: createMemoryKeyValue({ clock }),
    volatile: createMemoryKeyValue({ clock }),
  }
  const beside = (given: string): TestMirror =>
    createTestMirror({
      fetch: registry.fetch,
      clock,
      blobs,
      stores,
      config: `${upstreams}${given}`,
    })
  return { registry, mirror: beside(config), beside }
}

/** Each way is a path before the kind, and what comes behind. */
const ways: readonly (readonly [path: string, query?: string])[] = [
  ['/v2/app'],
  ['/v2/library/app'],
  ['/v2/docker.io/app'],
  ['/v2/docker.io/library/app'],
  ['/v2/index.docker.io/library/app'],
  ['/v2/registry-1.docker.io/library/app'],
  ['/v2/hub/app'],
  ['/v2/hub/library/app'],
  ['/v2/docker.mirror.example.com/library/app'],
  ['/docker.io/v2/app'],
  ['/docker.io/v2/library/app'],
  ['/DOCKER.IO/v2/library/app'],
  ['/Docker.io:443/v2/library/app'],
  ['/docker.io%3A443/v2/library/app'],
  ['/index.docker.io/v2/library/app'],
  ['/hub/v2/app'],
  ['/HUB/v2/library/app'],
  ['/v2/app', 'ns=docker.io'],
  ['/v2/library/app', 'ns=docker.io'],
  ['/v2/library/app', 'ns=DOCKER.IO'],
  ['/v2/library/app', 'ns=docker.io:443'],
  ['/v2/library/app', 'ns=docker.io%3a443'],
  ['/v2/library/app', 'ns=registry-1.docker.io'],
  ['/v2/library/app', 'ns=hub'],
  ['/v2/library/app', 'x=1&ns=docker.io&ns=ghcr.io'],
  ['http://docker.io/v2/app'],
  ['http://DOCKER.io/v2/library/app'],
  ['http://index.docker.io:8080/v2/library/app'],
  ['http://registry-1.docker.io/v2/library/app'],
  ['http://docker.mirror.example.com/v2/library/app'],
  ['http://hub.mirror.test/v2/app'],
  ['http://docker.io.mirror.test:5000/v2/library/app'],
  ['http://ghcr.io/v2/library/app', 'ns=docker.io'],
  ['http://ghcr.io/v2/docker.io/library/app'],
  ['http://ghcr.io/hub/v2/library/app'],
  ['/docker.io/v2/library/app', 'ns=ghcr.io'],
]

const encoded = (digest: string, colon: string): string => digest.replace(':', colon)

const things: readonly (readonly [what: string, path: string, init?: RequestInit])[] = [
  ['its tag', 'manifests/1.0'],
  ['its tag, by HEAD', 'manifests/1.0', { method: 'HEAD' }],
  ['its manifest', `manifests/${root}`],
  ['its manifest, by HEAD', `manifests/${root}`, { method: 'HEAD' }],
  ['its manifest, with %3A', `manifests/${encoded(root, '%3A')}`],
  ['its manifest, unless changed', `manifests/${root}`, { headers: { 'if-none-match': root } }],
  ['its layer', `blobs/${layer}`],
  ['its layer, by HEAD', `blobs/${layer}`, { method: 'HEAD' }],
  ['its layer, with %3a', `blobs/${encoded(layer, '%3a')}`],
  ['a part of its layer', `blobs/${layer}`, { headers: { range: 'bytes=0-9' } }],
  ['its layer, unless changed', `blobs/${layer}`, { headers: { 'if-none-match': `"${layer}"` } }],
  ['its tags', 'tags/list'],
  ['its referrers', `referrers/${root}`],
]

async function ask(
  mirror: TestMirror,
  [path, query]: readonly [string, string?],
  [, thing, init]: (typeof things)[number],
) {
  const url = `${path}/${thing}${query === undefined ? '' : `?${query}`}`
  return readAnswer(await mirror.fetch(url, init))
}

const access = (keys: string): string => `access: { images: { ${keys} } }\n`

/** Each denies docker.io/library/app, and names it in another way. */
const rules = [
  access('deny: [app]'),
  access('deny: [hub/app]'),
  access('deny: [INDEX.docker.io/library/app]'),
  access('deny: ["**/app"]'),
  access('allow: [other, "ghcr.io/**"]'),
  'access: { rules: [{ users: ["*"], deny: ["library/a*"] }, { users: ["*"], images: ["**"] }] }\n',
]

let denied: Promise<TestMirror> | undefined

/** Everything is in the cache, and denied since then. Asking changes nothing, so one does for many tests. */
function filledAndDenied(): Promise<TestMirror> {
  const fill = async (): Promise<TestMirror> => {
    const { beside } = createPlace()
    const open = beside('')
    for (const thing of things) await ask(open, ways[0]!, thing)
    await open.settle()
    return beside(access('deny: ["**/app"]'))
  }
  return (denied ??= fill())
}

test('all of it is there, by every way, where nothing is denied', async () => {
  const { mirror } = createPlace()
  for (const way of ways) {
    for (const thing of things) {
      const { status } = await ask(mirror, way, thing)
      expect([way.join('?'), thing[0], status < 400]).toEqual([way.join('?'), thing[0], true])
    }
  }
})

describe.each(rules.map((rule, index) => [rule, index] as const))('with %j', (config, index) => {
  test('nothing of it is served, not even out of the cache, and nobody is asked', async () => {
    const { beside, registry } = createPlace()
    const open = beside('')
    for (const thing of things) await ask(open, ways[0]!, thing)
    await open.settle()
    const closed = beside(config)
    const callsBefore = registry.calls.length
    for (const [position, way] of ways.entries()) {
      // One rule meets every pair; the others meet every way and every thing.
      const met = index === 0 ? things : [things[position % things.length]!]
      for (const thing of met) {
        const { status, code, text } = await ask(closed, way, thing)
        const isHead = thing[2]?.method === 'HEAD'
        expect([way.join('?'), thing[0], status]).toEqual([way.join('?'), thing[0], 403])
        expect(isHead ? text : code).toBe(isHead ? '' : 'DENIED')
      }
    }
    expect(registry.calls.length).toBe(callsBefore)
    expect((await closed.get('/v2/library/other/manifests/1.0')).status).toBe(200)
  })
})

test.each([
  '/v2//library/app/manifests/1.0',
  '/v2/library//app/manifests/1.0',
  '/v2/library/app//manifests/1.0',
  '/v2/library%2Fapp/manifests/1.0',
  '/v2/library%2fapp/manifests/1.0',
  '/v2/library/%61pp/manifests/1.0',
  '/v2/library/APP/manifests/1.0',
  '/v2/Library/app/manifests/1.0',
  '/v2/library/./app/manifests/1.0',
  '/v2/library/x/../app/manifests/1.0',
  '/v2/other/../library/app/manifests/1.0',
  '/v2/library/%2e%2e/library/app/manifests/1.0',
  '/v2/docker.io//library/app/manifests/1.0',
  '/v2/docker.io/docker.io/library/app/manifests/1.0',
  '/v2/hub/hub/library/app/manifests/1.0',
  '/v2/library/app/manifests/1.0/',
  '/v2/library/app/manifests/1.0%00',
  '/v2/library/app%20/manifests/1.0',
  '/v2/library/app;x/manifests/1.0',
  '/v2/library/app/manifests/1.0?ns=docker.io.',
  '/v2/library/app/manifests/1.0?ns=%20docker.io',
  'http://docker.io./v2/library/app/manifests/1.0',
  '/V2/library/app/manifests/1.0',
  '/docker.io./v2/library/app/manifests/1.0',
  '/docker.io/docker.io/v2/library/app/manifests/1.0',
  '/v2/v2/library/app/manifests/1.0',
  `/v2/library/app/blobs/${layer.toUpperCase()}`,
  `/v2/library/app/manifests/${encoded(root, '%253A')}`,
])('no crooked path leads around a rule: %s', async (path) => {
  const answer = await (await filledAndDenied()).get(path)
  expect(answer.status).toBeGreaterThanOrEqual(400)
  expect(answer.status).toBeLessThan(500)
  expect(answer.headers.get('docker-content-digest')).toBeNull()
})

test.each([
  ['library/other', `blobs/${layer}`],
  ['owner/other', `blobs/${layer}`],
  ['library/other', `manifests/${root}`],
])('a digest of a denied image is not had from %s', async (repository, thing) => {
  const answer = await (await filledAndDenied()).get(`/v2/${repository}/${thing}`)
  // Docker Hub answers 403 for a repository that is not there, and so do we.
  expect([403, 404]).toContain(answer.status)
  expect(answer.message).not.toContain('operator')
})

describe('a denied tag', () => {
  test('is denied by what it means, and its neighbour is not', async () => {
    const { mirror, registry } = createPlace(access('deny: ["app:1.0"]'))
    for (const path of [
      'manifests/1.0',
      `manifests/${root}`,
      `referrers/${root}`,
      `blobs/${root}`,
    ]) {
      expect([path, (await mirror.get(`/v2/app/${path}`)).code]).toEqual([path, 'DENIED'])
    }
    for (const path of ['manifests/2.0', `manifests/${other.root.digest}`, 'tags/list']) {
      expect([path, (await mirror.get(`/v2/app/${path}`)).status]).toEqual([path, 200])
    }
    // One HEAD told what the tag means, and it is remembered.
    const asked = registry.calls.filter(({ line }) => line.includes('/manifests/1.0'))
    expect(new Set(asked.map(({ method }) => method))).toEqual(new Set(['HEAD']))
    // The first was answered with a challenge.
    expect(asked.length).toBe(2)
    expect(registry.pullsUsed).toBe(1)
  })

  test('is denied by what it means now, once it has moved', async () => {
    const { mirror, registry } = createPlace(access('deny: ["app:1.0"]'))
    expect((await mirror.get(`/v2/app/manifests/${other.root.digest}`)).status).toBe(200)
    registry.push('library/app', '1.0', other)
    await mirror.clock.advance(61_000)
    expect((await mirror.get(`/v2/app/manifests/${other.root.digest}`)).code).toBe('DENIED')
    expect((await mirror.get(`/v2/app/manifests/${root}`)).status).toBe(200)
  })

  test('stays denied in trouble, by what it meant; and what nobody knows is not let pass', async () => {
    const place = createPlace()
    expect((await place.mirror.get('/v2/app/manifests/1.0')).status).toBe(200)
    expect((await place.mirror.get('/v2/app/manifests/2.0')).status).toBe(200)
    await place.mirror.clock.advance(120_000)
    place.registry.fail({ kind: 'manifest' }, { kind: 'no-answer', failure: 'unreachable' })
    const closed = place.beside(access('deny: ["app:1.0"]'))
    const known = await closed.drive(closed.get(`/v2/app/manifests/${root}`))
    expect(known.code).toBe('DENIED')
    const unknown = place.beside(access('deny: ["app:3.0"]'))
    const answer = await unknown.drive(unknown.get(`/v2/app/manifests/${root}`))
    expect([answer.status, answer.code]).toEqual([503, 'UNAVAILABLE'])
  })
})

test('a search does not show what is denied', async () => {
  const { mirror } = createPlace(access('deny: [app]'))
  const { text } = await mirror.get('/v1/search?q=')
  const { results } = JSON.parse(text) as { results: { name: string }[] }
  expect(results.map(({ name }) => name)).toEqual(['other'])
})

test("the client is told the operator's words, and the metric what refused", async () => {
  const { mirror } = createPlace(access('deny: [app], message: "use team/app instead"'))
  const { message } = await mirror.get('/v2/hub/app/manifests/1.0')
  expect(message).toBe('this mirror does not serve docker.io/library/app:1.0: use team/app instead')
  const { text } = await mirror.get('/metrics')
  expect(text).toContain('pullway_rejected_total{reason="image"} 1')
})
