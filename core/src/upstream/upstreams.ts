import type { Config, UpstreamConfig } from '../config/config.ts'
import type { Route } from '../route.ts'
import { toUnaskedState, type UpstreamState } from './state.ts'
import { createUpstream, type Upstream, type UpstreamOptions } from './upstream.ts'

/** All upstreams of the configuration. */
export interface Upstreams {
  of(route: Route): Upstream
  named(name: string | undefined): Upstream | undefined
  /** Of all, in the order of the configuration; makes none. */
  states(): readonly UpstreamState[]
}

/** Those of the configuration before, by all that is configured of them. */
export type KnownUpstreams = Map<string, Upstream>

export function createUpstreams(
  { upstreams, timeouts }: Config,
  options: Omit<UpstreamOptions, 'timeouts'>,
  known: KnownUpstreams = new Map(),
): Upstreams {
  const byName = new Map<string, Upstream>()
  const keyOf = (config: UpstreamConfig): string => JSON.stringify([config, timeouts])
  if (known.size > 0) {
    const keys = new Set([...upstreams.values()].map(keyOf))
    for (const key of known.keys()) if (!keys.has(key)) known.delete(key)
  }

  /** Each is made when it is first asked: of the many that are built in, most mirrors use a few. */
  const find = (name: string): Upstream | undefined => {
    const made = byName.get(name)
    const config = made ? undefined : upstreams.get(name)
    if (!config) return made
    const key = keyOf(config)
    const upstream = known.get(key) ?? createUpstream(config, { ...options, timeouts })
    byName.set(name, upstream)
    known.set(key, upstream)
    return upstream
  }

  return {
    of({ upstream: { name } }) {
      const upstream = find(name)
      if (!upstream) throw new Error(`no upstream ${name}`)
      return upstream
    },
    named: (name) => find(name ?? ''),
    states: () =>
      [...upstreams.values()].map(
        (config) =>
          (byName.get(config.name) ?? known.get(keyOf(config)))?.state() ?? toUnaskedState(config),
      ),
  }
}
