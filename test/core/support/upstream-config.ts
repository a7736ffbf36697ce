import type { Timeouts, UpstreamConfig } from '../../../core/src/config/config.ts'
import type { Route } from '../../../core/src/route.ts'

/** A plain upstream; a test names what matters to it. */
export function upstreamConfig(given: Partial<UpstreamConfig> = {}): UpstreamConfig {
  return {
    name: 'registry.example.com',
    isDefault: false,
    aliases: [],
    hosts: ['registry.example.com'],
    endpoints: [{ url: 'https://registry.example.com/v2', credentials: undefined, accounts: [] }],
    failoverOn: new Set(),
    quotaFloor: 0,
    trustedHosts: [],
    realmHosts: [],
    officialNamespace: undefined,
    blobs: 'auto',
    search: undefined,
    clientCredentials: 'ignore',
    images: { allow: undefined, deny: [], message: undefined },
    ...given,
  }
}

export function routeTo(repository: string, upstream: UpstreamConfig = upstreamConfig()): Route {
  return { upstream, repository, via: 'prefix' }
}

export const timeouts: Timeouts = {
  connectMs: 5_000,
  firstByteMs: 10_000,
  idleMs: 30_000,
  answerMs: 14_000,
}
