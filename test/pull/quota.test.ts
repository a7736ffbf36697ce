import { expect, test } from 'vitest'
import { createTestMirror, type TestMirror } from '../fakes/mirror.ts'
import { buildImage, createFakeRegistry, type FakeRegistry } from '../fakes/registry/index.ts'
import { dockerHub } from '../fakes/registry/profiles/docker-hub.ts'

const old = buildImage({ seed: 95, layerBytes: 1_000 })
const moved = buildImage({ seed: 96, layerBytes: 1_000 })
const root = '/v2/library/alpine'

/** Docker Hub with that many pulls left after the first one; the floor is 10. */
async function settle(left: number, isWhole = true): Promise<[FakeRegistry, TestMirror]> {
  const hub = createFakeRegistry({
    ...dockerHub,
    rateLimit: { ...dockerHub.rateLimit, limit: left + 1 },
  })
  hub.push('library/alpine', 'latest', old)
  const mirror = createTestMirror({
    fetch: hub.fetch,
    config: 'upstreams: { docker.io: { quotaFloor: 10 } }',
  })
  await mirror.get(`${root}/manifests/latest`)
  if (isWhole) for (const { digest } of old.blobs) await mirror.get(`${root}/blobs/${digest}`)
  await mirror.settle()
  await mirror.clock.advance(61_000)
  hub.takeLines()
  return [hub, mirror]
}

const facts = ({ status, headers }: { readonly status: number; readonly headers: Headers }) => [
  status,
  headers.get('docker-content-digest'),
  headers.get('cache-status'),
]

test.each([50, 3])(
  'with %i left, a tag that has not moved costs a HEAD, which is free',
  async (left) => {
    const [hub, mirror] = await settle(left)
    for (const method of ['get', 'head', 'get'] as const) {
      const answer = await mirror[method](`${root}/manifests/latest`)
      expect([answer.status, answer.headers.get('docker-content-digest')]).toEqual([
        200,
        old.root.digest,
      ])
      await mirror.clock.advance(61_000)
    }
    const lines = hub.takeLines().filter((line) => line.includes('/manifests/'))
    expect(lines).toEqual(
      Array.from({ length: 3 }, () => `HEAD registry-1.docker.io${root}/manifests/latest`),
    )
    expect(hub.pullsUsed).toBe(1)
  },
)

test.each(['get', 'head'] as const)(
  'above the floor, %s of a tag that has moved is the new content',
  async (method) => {
    const [hub, mirror] = await settle(10)
    hub.push('library/alpine', 'latest', moved)
    const answer = await mirror[method](`${root}/manifests/latest`)
    expect(answer.headers.get('docker-content-digest')).toBe(moved.root.digest)
    expect(hub.pullsUsed).toBe(2)
  },
)

test.each(['get', 'head'] as const)(
  'below the floor, %s of a tag that has moved is the old content, and says so',
  async (method) => {
    const [hub, mirror] = await settle(9)
    hub.push('library/alpine', 'latest', moved)
    const answer = await mirror[method](`${root}/manifests/latest`)
    expect(facts(answer)).toEqual([200, old.root.digest, 'pullway; hit; detail=stale-spared'])
    expect(answer.headers.get('warning')).toBe(
      '299 - "pullway served a stored copy: the upstream is spared"',
    )
    expect(hub.pullsUsed).toBe(1)
    expect(mirror.logged.join('\n')).toContain('the quota of an upstream is below its floor')
  },
)

test('below the floor, what is not here whole is pulled all the same', async () => {
  const [hub, mirror] = await settle(9, false)
  hub.push('library/alpine', 'latest', moved)
  const answer = await mirror.get(`${root}/manifests/latest`)
  expect(answer.headers.get('docker-content-digest')).toBe(moved.root.digest)
  hub.push('library/new', 'latest', old)
  expect((await mirror.get('/v2/library/new/manifests/latest')).status).toBe(200)
})

test('below the floor, new content that is here already costs nothing', async () => {
  const [hub, mirror] = await settle(9)
  hub.push('library/other', 'latest', moved)
  hub.push('library/alpine', 'latest', moved)
  await mirror.get('/v2/library/other/manifests/latest')
  const used = hub.pullsUsed
  const answer = await mirror.get(`${root}/manifests/latest`)
  expect(facts(answer)).toEqual([200, moved.root.digest, 'pullway; fwd=stale; fwd-status=200'])
  expect(hub.pullsUsed).toBe(used)
})

test('the window over, the new content is pulled', async () => {
  const [hub, mirror] = await settle(9)
  hub.push('library/alpine', 'latest', moved)
  await mirror.get(`${root}/manifests/latest`)
  hub.change({ rateLimit: { ...dockerHub.rateLimit, limit: 100 } })
  await mirror.head(`${root}/manifests/latest`)
  const answer = await mirror.get(`${root}/manifests/latest`)
  expect(answer.headers.get('docker-content-digest')).toBe(moved.root.digest)
})
