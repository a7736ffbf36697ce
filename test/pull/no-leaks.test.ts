import { expect, test } from 'vitest'
import { createTestMirror, type TestMirror } from '../fakes/mirror.ts'
import { buildImage, createFakeRegistry, type FakeRegistry } from '../fakes/registry/index.ts'
import { play } from '../fakes/registry/play.ts'

const image = buildImage({ seed: 95 })
const other = buildImage({ seed: 96 })
const blob = image.blobs[1]!.digest

/** One registry with three repositories, and another one, all behind one cache. */
function settle(): { one: FakeRegistry; mirror: TestMirror } {
  const one = createFakeRegistry()
  const two = createFakeRegistry({
    hosts: ['two.test'],
    access: 'open',
  })
  one.push('owner/holder', 'latest', image)
  one.push('owner/copy', 'latest', image)
  one.push('owner/stranger', 'latest', other)
  two.push('owner/holder', 'latest', other)
  const config = 'upstreams: { registry.test: {}, two.test: {} }'
  return { one, mirror: createTestMirror({ fetch: play(one, two), config }) }
}

async function fill(mirror: TestMirror): Promise<void> {
  await mirror.get('/v2/registry.test/owner/holder/manifests/latest')
  for (const { digest } of image.blobs) {
    await mirror.get(`/v2/registry.test/owner/holder/blobs/${digest}`)
  }
  await mirror.settle()
}

test.each([
  ['another repository', '/v2/registry.test/owner/stranger'],
  ['the same name at another registry', '/v2/two.test/owner/holder'],
  ['a repository that does not exist', '/v2/registry.test/owner/absent'],
])('content of one repository is not had under %s', async (_, root) => {
  const { mirror } = settle()
  await fill(mirror)
  for (const path of [`blobs/${blob}`, `manifests/${image.root.digest}`]) {
    for (const headers of [{}, { range: 'bytes=0-9' }, { 'if-none-match': '*' }]) {
      for (const method of ['get', 'head'] as const) {
        const answer = await mirror[method](`${root}/${path}`, headers)
        expect([403, 404], `${method} ${path}`).toContain(answer.status)
        expect(answer.text).not.toContain('schemaVersion')
      }
    }
  }
})

test('a repository that holds it, too, is asked with HEAD alone', async () => {
  const { one, mirror } = settle()
  await fill(mirror)
  one.takeLines()
  const answer = await mirror.get(`/v2/registry.test/owner/copy/blobs/${blob}`)
  expect(answer.status).toBe(200)
  const lines = one.takeLines()
  expect(lines.filter((line) => line.startsWith('GET') && line.includes('/blobs/'))).toEqual([])
  expect(lines.at(-1)).toBe(`HEAD registry.test/v2/owner/copy/blobs/${blob}`)
  await mirror.get(`/v2/registry.test/owner/copy/blobs/${blob}`)
  expect(one.takeLines()).toEqual([])
})

test('a blob that only the manifest names is served without asking again', async () => {
  const { one, mirror } = settle()
  await fill(mirror)
  await mirror.get('/v2/registry.test/owner/copy/manifests/latest')
  one.takeLines()
  expect((await mirror.get(`/v2/registry.test/owner/copy/blobs/${blob}`)).status).toBe(200)
  expect(one.takeLines()).toEqual([])
})
