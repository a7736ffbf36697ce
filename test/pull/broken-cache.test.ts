import type { BlobStore } from '@pullway/core'
import { expect, test } from 'vitest'
import { createTestMirror } from '../fakes/mirror.ts'
import { buildImage, createFakeRegistry } from '../fakes/registry/index.ts'
import { dockerHub } from '../fakes/registry/profiles/docker-hub.ts'

const image = buildImage({ seed: 62, layerBytes: 300_000 })
const root = '/v2/library/alpine'

const fail = (): Promise<never> => Promise.reject(new Error('no space left on device'))

const brokenStores: Readonly<Record<string, BlobStore>> = {
  full: {
    stat: () => Promise.resolve(undefined),
    open: () => Promise.resolve(undefined),
    write: fail,
    remove: () => Promise.resolve(),
  },
  'full in the middle': {
    stat: () => Promise.resolve(undefined),
    open: () => Promise.resolve(undefined),
    write: () => Promise.resolve({ append: fail, commit: fail, release: () => Promise.resolve() }),
    remove: () => Promise.resolve(),
  },
  'broken altogether': { stat: fail, open: fail, write: fail, remove: fail },
}

test.each(Object.entries(brokenStores))('a cache that is %s fails no pull', async (_, blobs) => {
  const fake = createFakeRegistry(dockerHub)
  fake.push('library/alpine', 'latest', image)
  const mirror = createTestMirror({ fetch: fake.fetch, blobs })
  for (const content of [image.root, ...image.blobs, image.root]) {
    const kind = image.blobs.includes(content) ? 'blobs' : 'manifests'
    const answer = await mirror.drive(mirror.get(`${root}/${kind}/${content.digest}`))
    expect([answer.status, answer.broken]).toEqual([200, undefined])
    expect(Buffer.compare(answer.bytes, content.bytes)).toBe(0)
  }
  await mirror.settle()
  const complaints = mirror.logged.filter((line) => line.includes('no space left'))
  expect(complaints.length, 'says so, and not for each blob').toBe(1)
  const metrics = await mirror.get('/metrics')
  expect(metrics.text).toMatch(/^pullway_\w*fail\w*\{[^}]*\} [1-9]/m)
})
