import type { Fetch } from '@pullway/core'
import type { FakeRegistry } from './registry.ts'

/** One Fetch port over several played registries; a host that none plays counts as a stranger to the first. */
export function play(...fakes: readonly [FakeRegistry, ...FakeRegistry[]]): Fetch {
  return (request, options) => {
    const { host } = new URL(request.url)
    const fake = fakes.find((candidate) => candidate.plays(host)) ?? fakes[0]
    return fake.fetch(request, options)
  }
}
