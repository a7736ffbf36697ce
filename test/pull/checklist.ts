import { createTestMirror, type TestMirror } from '../fakes/mirror.ts'
import { buildMultiArch, createFakeRegistry, type FakeRegistry } from '../fakes/registry/index.ts'
import { play } from '../fakes/registry/play.ts'
import { dockerHub } from '../fakes/registry/profiles/docker-hub.ts'
import { ghcr } from '../fakes/registry/profiles/ghcr.ts'

/** What the tests of clients.md, section 10, share: three registries behind one mirror. */

export const hubImage = buildMultiArch({ seed: 71 })
export const ghcrImage = buildMultiArch({ seed: 72 })
export const ownImage = buildMultiArch({ seed: 73 })
export const mebibyte = 2 ** 20

export interface ChecklistSetting {
  readonly hub: FakeRegistry
  readonly mirror: TestMirror
}

export function settle(
  config = 'upstreams: { registry.test:8443: { aliases: [own] } }',
): ChecklistSetting {
  const hub = createFakeRegistry(dockerHub)
  const other = createFakeRegistry(ghcr)
  const own = createFakeRegistry({ hosts: ['registry.test:8443'], access: 'open' })
  // The same name everywhere: only the image that comes tells which registry was asked.
  for (const [fake, image] of [
    [hub, hubImage],
    [other, ghcrImage],
    [own, ownImage],
  ] as const) {
    for (const name of ['library/app', 'owner/app']) fake.push(name, 'latest', image)
  }
  return { hub, mirror: createTestMirror({ fetch: play(hub, other, own), config }) }
}
