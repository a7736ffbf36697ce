import { describe, expect, test } from 'vitest'
import { createTestMirror } from '../fakes/mirror.ts'
import { buildMultiArch, createFakeRegistry } from '../fakes/registry/index.ts'
import { config, registries } from './registries.ts'

/**
 * What a registry says of a repository that it does not have or does not show: "no such name" (404), or "you may
 * not", be it at the realm or at the repository (registries.md, section 0, items 5 and 15).
 */
const unknownRepository: Readonly<Record<string, 'DENIED' | 'NAME_UNKNOWN'>> = {
  'docker.io': 'DENIED',
  'ghcr.io': 'DENIED',
  'quay.io': 'DENIED',
  'gcr.io': 'DENIED',
  'us-docker.pkg.dev': 'DENIED',
  'registry.k8s.io': 'NAME_UNKNOWN',
  'registry.k8s.io with its blobs at Google': 'NAME_UNKNOWN',
  'k8s.gcr.io': 'NAME_UNKNOWN',
  'nvcr.io': 'DENIED',
  'mcr.microsoft.com': 'NAME_UNKNOWN',
  'public.ecr.aws': 'NAME_UNKNOWN',
  'docker.elastic.co': 'DENIED',
  'registry.gitlab.com': 'DENIED',
  'lscr.io': 'DENIED',
  'lscr.io that sends on to ghcr.io': 'DENIED',
}

const statuses = { DENIED: 403, NAME_UNKNOWN: 404, MANIFEST_UNKNOWN: 404, BLOB_UNKNOWN: 404 }

/** dockerd names a repository unknown by HEAD, then GET; podman by GET alone. */
const methods = ['head', 'get'] as const

describe.each(registries)('$what', ({ what, settings, repository, path }) => {
  const name = what.split(' ')[0]!

  function makeMirror(): {
    fake: ReturnType<typeof createFakeRegistry>
    mirror: ReturnType<typeof createTestMirror>
  } {
    const fake = createFakeRegistry(settings)
    fake.push(repository, 'latest', buildMultiArch())
    return { fake, mirror: createTestMirror({ fetch: fake.fetch, config }) }
  }

  test('an unknown repository', async () => {
    const { fake, mirror } = makeMirror()
    const code = unknownRepository[what]!
    for (const method of methods) {
      const answer = await mirror[method](`${path}-absent/manifests/latest`)
      expect(answer.status, method).toBe(statuses[code])
      expect(answer.headers.get('docker-distribution-api-version')).toBe('registry/2.0')
      expect(answer.headers.get('www-authenticate')).toBeNull()
      if (method === 'head') continue
      expect(answer.code).toBe(code)
      expect(answer.message).toContain(name)
      expect(answer.message).toContain(`${repository}-absent`)
      expect(answer.headers.get('content-type')).toBe('application/json')
      expect(answer.headers.get('content-length')).toBe(String(answer.bytes.length))
    }
    // A refused token is not asked for over and over (registries.md, section 0, item 5).
    expect(fake.calls.filter(({ kind }) => kind === 'token').length).toBeLessThanOrEqual(2)
  })

  test('an unknown tag, remembered for 10 s', async () => {
    const { fake, mirror } = makeMirror()
    for (const method of methods) {
      const answer = await mirror[method](`${path}/manifests/absent`)
      expect(answer.status, method).toBe(404)
      if (method === 'head') continue
      expect(answer.code).toBe('MANIFEST_UNKNOWN')
      expect(answer.message).toContain('absent')
    }
    fake.takeLines()
    expect((await mirror.get(`${path}/manifests/absent`)).status).toBe(404)
    expect(fake.takeLines()).toEqual([])
    fake.push(repository, 'absent', buildMultiArch({ seed: 2 }))
    await mirror.clock.advance(10_001)
    expect((await mirror.get(`${path}/manifests/absent`)).status).toBe(200)
  })

  test('an unknown blob and an unknown digest', async () => {
    const { mirror } = makeMirror()
    const digest = `sha256:${'0'.repeat(64)}`
    const rows = [
      ['blobs', 'BLOB_UNKNOWN'],
      ['manifests', 'MANIFEST_UNKNOWN'],
    ] as const
    for (const [kind, code] of rows) {
      expect((await mirror.head(`${path}/${kind}/${digest}`)).status).toBe(404)
      const answer = await mirror.get(`${path}/${kind}/${digest}`)
      expect([answer.status, answer.code]).toEqual([404, code])
    }
  })
})
