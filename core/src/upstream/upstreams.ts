import type { Config } from '../config/config.ts'
import type { Route } from '../route.ts'
import { createUpstream, type Upstream, type UpstreamOptions } from './upstream.ts'

/** All upstreams of the configuration. */
export interface Upstreams {
  of(route: Route): Upstream
  named(name: string | undefined): Upstream | undefined
}

/** Those of the configuration before, by all that is configured of them. */
export type KnownUpstreams = Map<string, Upstream>

export function createUpstreams(
  { upstreams, timeouts }: Config,
  options: Omit<UpstreamOptions, 'timeouts'>,
  known: KnownUpstreams = new Map(),
): Upstreams {
  const byName = new Map<string, Upstream>()
  const byConfig: KnownUpstreams = new Map()
  for (const config of upstreams.values()) {
    const key = JSON.stringify([config, timeouts])
    const upstream = known.get(key) ?? createUpstream(config, { ...options, timeouts })
    byName.set(config.name, upstream)
    byConfig.set(key, upstream)
  }
  known.clear()
  for (const [key, upstream] of byConfig) known.set(key, upstream)
  return {
    of({ upstream: { name } }) {
      const upstream = byName.get(name)
      if (!upstream) throw new Error(`no upstream ${name}`)
      return upstream
    },
    named: (name) => byName.get(name ?? ''),
  }
}
