import type { Config } from '../config/config.ts'
import type { Route } from '../route.ts'
import { createUpstream, type Upstream, type UpstreamOptions } from './upstream.ts'

/** All upstreams of the configuration. */
export interface Upstreams {
  of(route: Route): Upstream
  named(name: string | undefined): Upstream | undefined
}

export function createUpstreams(
  { upstreams, timeouts }: Config,
  options: Omit<UpstreamOptions, 'timeouts'>,
): Upstreams {
  const byName = new Map<string, Upstream>()
  for (const upstream of upstreams.values()) {
    byName.set(upstream.name, createUpstream(upstream, { ...options, timeouts }))
  }
  return {
    of({ upstream: { name } }) {
      const upstream = byName.get(name)
      if (!upstream) throw new Error(`no upstream ${name}`)
      return upstream
    },
    named: (name) => byName.get(name ?? ''),
  }
}
