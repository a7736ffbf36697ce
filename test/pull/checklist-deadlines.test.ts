import { describe, expect, test } from 'vitest'
import { answers } from '../fakes/registry/index.ts'
import { hubImage, settle } from './checklist.ts'

/** clients.md, section 10, items 8 and 9. */

describe('8. no manifest without its blobs', () => {
  test('a whole image is served while the upstream is down', async () => {
    const { hub, mirror } = settle()
    const paths = [
      ...hubImage.manifests.map(({ digest }) => `/v2/app/manifests/${digest}`),
      ...hubImage.blobs.map(({ digest }) => `/v2/app/blobs/${digest}`),
    ]
    for (const path of paths) expect((await mirror.get(path)).status).toBe(200)
    await mirror.settle()
    hub.fail({}, { kind: 'no-answer', failure: 'unreachable' })
    for (const path of paths) expect((await mirror.get(path)).status).toBe(200)
  })

  test('half an image is not, once the upstream is known to be down', async () => {
    const { hub, mirror } = settle()
    const [child] = hubImage.manifests.slice(1)
    const manifest = `/v2/app/manifests/${child!.digest}`
    const blob = `/v2/app/blobs/${hubImage.blobs[0]!.digest}`
    expect((await mirror.get(manifest)).status).toBe(200)
    const fault = hub.fail({}, { kind: 'no-answer', failure: 'unreachable' })
    // dockerd would try a 503 again for 75 s; 404 sends it on at once.
    const startedAt = mirror.clock.now()
    expect((await mirror.get(blob, { 'user-agent': 'docker/27.5.1' })).status).toBe(404)
    expect((await mirror.get(blob, { 'user-agent': 'containerd/1.6.20' })).status).toBe(503)
    expect(mirror.clock.now() - startedAt).toBeLessThanOrEqual(1_000)
    for (const path of [manifest, '/v2/app/manifests/latest']) {
      expect((await mirror.get(path)).status, path).toBe(503)
    }
    fault.lift()
    await mirror.clock.advance(11_000)
    expect((await mirror.get(manifest)).status).toBe(200)
    expect((await mirror.get(blob)).status).toBe(200)
  })
})

test('8. half an image is not served as a stale copy either', async () => {
  const { hub, mirror } = settle()
  expect((await mirror.get('/v2/app/manifests/latest')).status).toBe(200)
  await mirror.clock.advance(61_000)
  hub.fail({ kind: 'manifest' }, { kind: 'answer', answer: answers.tooManyRequests })
  expect((await mirror.get('/v2/app/manifests/latest')).status).toBe(429)
})

describe('9. headers in time, whatever hangs', () => {
  const hanging = ['manifest', 'blob', 'token', 'blob-host', 'tags', 'referrers', 'search'] as const

  test.each(hanging)('%s', async (kind) => {
    const { hub, mirror } = settle()
    hub.fail({ kind }, { kind: 'hang' })
    const { digest } = hubImage.root
    const blob = hubImage.blobs[0]!.digest
    const paths = {
      manifest: '/v2/app/manifests/latest',
      blob: `/v2/app/blobs/${blob}`,
      token: '/v2/app/manifests/latest',
      'blob-host': `/v2/app/blobs/${blob}`,
      tags: '/v2/app/tags/list',
      referrers: `/v2/app/referrers/${digest}`,
      search: '/v1/search?q=app',
    }
    const startedAt = mirror.clock.now()
    const answer = await mirror.drive(mirror.get(paths[kind]))
    expect([answer.status, answer.code]).toEqual([504, 'UNAVAILABLE'])
    expect(mirror.clock.now() - startedAt).toBeLessThanOrEqual(15_000)
  })

  test('also when each step takes its time, and when a manifest’s body stalls', async () => {
    const { hub, mirror } = settle()
    hub.fail({ kind: 'manifest' }, { kind: 'stall', afterBytes: 10 })
    const startedAt = mirror.clock.now()
    const answer = await mirror.drive(mirror.get('/v2/app/manifests/latest'))
    expect([answer.status, answer.code]).toEqual([504, 'UNAVAILABLE'])
    expect(mirror.clock.now() - startedAt).toBeLessThanOrEqual(15_000)
  })
})
