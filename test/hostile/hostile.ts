import { expect } from 'vitest'
import { createTestMirror, type Answered, type TestMirror } from '../fakes/mirror.ts'
import {
  buildMultiArch,
  createFakeRegistry,
  type FakeRegistry,
  type Settings,
} from '../fakes/registry/index.ts'

export const image = buildMultiArch({ seed: 81 })

/** The hosts that a pull from the one upstream may lead to. */
const allowedHosts = new Set([
  'registry.test',
  'auth.registry.test',
  'login.registry.test',
  'cdn.test',
])

export interface HostileSetting {
  readonly fake: FakeRegistry
  readonly mirror: TestMirror
}

/** A mirror of one upstream, `registry.test`, which is also the default. */
export function settle(settings: Settings = {}): HostileSetting {
  const fake = createFakeRegistry(settings)
  fake.push('owner/name', 'latest', image)
  const config = 'upstreams: { registry.test: { default: true }, docker.io: { enabled: false } }'
  return { fake, mirror: createTestMirror({ fetch: fake.fetch, config }) }
}

/** What no input may lead to, whatever it is. */
export function expectHarmless(answer: Answered, { fake, mirror }: HostileSetting): void {
  expect(answer.status, 'a failure of our own').not.toBe(500)
  const hosts = new Set(fake.calls.map(({ url }) => url.hostname))
  expect([...hosts].filter((host) => !allowedHosts.has(host))).toEqual([])
  for (const { headers, network, url, line } of fake.calls) {
    expect(headers.get('user-agent'), line).toMatch(/^pullway\/\d/)
    if (url.host !== 'registry.test') expect(network, line).toBe('public')
  }
  for (const line of mirror.logged) expect(line).not.toMatch(/"a request failed"/)
  if (answer.code === undefined) return
  expect(answer.headers.get('content-type')).toBe('application/json')
  expect(answer.message, 'one line').not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/)
  expect(answer.message!.length, 'a line that one can read').toBeLessThan(700)
}
