import { describe, expect, test } from 'vitest'
import { createTestMirror } from '../fakes/mirror.ts'
import { buildImage, createFakeRegistry, type Fault } from '../fakes/registry/index.ts'
import { dockerHub } from '../fakes/registry/profiles/docker-hub.ts'

/** Answers that come as a whole or not at all, and what a client hears when theirs broke off or stands still. */

const image = buildImage({ seed: 65 })
const root = '/v2/library/alpine'

const asked = [
  ['manifest', `${root}/manifests/latest`],
  ['manifest', `${root}/manifests/${image.root.digest}`],
  ['token', `${root}/manifests/latest`],
  ['token', `${root}/blobs/${image.blobs[0]!.digest}`],
  ['tags', `${root}/tags/list`],
  ['referrers', `${root}/referrers/${image.root.digest}`],
  ['search', '/v1/search?q=alpine'],
] as const

const faults: readonly [string, Fault, number][] = [
  ['breaks off at once', { kind: 'cut', afterBytes: 0 }, 503],
  ['breaks off', { kind: 'cut', afterBytes: 9 }, 503],
  ['stands still', { kind: 'stall', afterBytes: 9 }, 504],
]

/** Without a length that tells, half a text is a whole one that cannot be read. */
test.each(asked.filter(([kind]) => kind !== 'referrers'))(
  '%s that ends too soon, for %s',
  async (kind, path) => {
    const fake = createFakeRegistry(dockerHub)
    fake.push('library/alpine', 'latest', image)
    const mirror = createTestMirror({ fetch: fake.fetch })
    fake.fail({ kind }, { kind: 'end-early', afterBytes: 9 })
    const answer = await mirror.drive(mirror.get(path))
    expect([answer.status, answer.code]).toEqual([503, 'UNAVAILABLE'])
  },
)

describe.each(asked)('%s, for %s', (kind, path) => {
  test.each(faults)('%s', async (_, fault, status) => {
    const fake = createFakeRegistry(dockerHub)
    fake.push('library/alpine', 'latest', image)
    const mirror = createTestMirror({ fetch: fake.fetch })
    const trouble = fake.fail({ kind }, fault)
    const startedAt = mirror.clock.now()
    const answer = await mirror.drive(mirror.get(path))
    expect([answer.status, answer.code]).toEqual([status, 'UNAVAILABLE'])
    expect(mirror.clock.now() - startedAt).toBeLessThanOrEqual(15_000)
    trouble.lift()
    await mirror.clock.advance(11_000)
    expect((await mirror.drive(mirror.get(path))).status).toBe(200)
  })
})
