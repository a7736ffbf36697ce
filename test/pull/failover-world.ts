import { createFakeClock } from '../fakes/clock.ts'
import { createTestMirror, type TestMirror } from '../fakes/mirror.ts'
import { buildImage, createFakeRegistry, type FakeRegistry } from '../fakes/registry/index.ts'
import { play } from '../fakes/registry/play.ts'
import { dockerHub } from '../fakes/registry/profiles/docker-hub.ts'

export const image = buildImage({ seed: 91, layerBytes: 300_000 })
export const layer = image.blobs[1]!
export const root = '/v2/library/alpine'

export interface FailoverWorld {
  readonly hub: FakeRegistry
  /** Another registry with the same image, below a project of its own and with a realm of its own. */
  readonly second: FakeRegistry
  readonly mirror: TestMirror
}

export const hubLogin = { username: 'alice', password: 'secret-of-hub' }
export const secondLogin = { username: 'bob', password: 'secret-of-second' }

/** Docker Hub, and a second endpoint for it. */
export function createFailoverWorld(given: object = {}): FailoverWorld {
  const clock = createFakeClock()
  const hub = createFakeRegistry({ ...dockerHub, users: { alice: hubLogin.password } }, { clock })
  const realm = 'https://auth.second.test/token'
  const challenge = [`Bearer realm="${realm}",service="second"`]
  const second = createFakeRegistry(
    {
      hosts: ['second.test'],
      token: { realm },
      challenge: { ping: challenge, repository: challenge },
      users: { bob: secondLogin.password },
    },
    { clock },
  )
  hub.push('library/alpine', 'latest', image)
  second.push('hub-proxy/library/alpine', 'latest', image)
  const endpoints = [
    { url: 'https://registry-1.docker.io', ...hubLogin },
    { url: 'https://second.test/v2/hub-proxy', ...secondLogin },
  ]
  // Nobody asks whether an image is private: that needs the first endpoint.
  const access = { rules: [{ users: ['anonymous'], images: ['**'] }] }
  const config = JSON.stringify({ upstreams: { 'docker.io': { endpoints, ...given } }, access })
  return { hub, second, mirror: createTestMirror({ fetch: play(hub, second), clock, config }) }
}
