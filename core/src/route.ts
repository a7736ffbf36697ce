import type { Config, UpstreamConfig } from './config/config.ts'
import { RegistryError } from './errors.ts'
import type { Pull } from './request/parse.ts'
import { parseName, quote } from './request/reference.ts'

/** Where a pull goes. */
export interface Route {
  readonly upstream: UpstreamConfig
  /** The repository's name at the upstream. */
  readonly repository: string
  /** How the client named the upstream; a `prefix` is part of the image's own name, so no client falls back. */
  readonly via: 'prefix' | 'namespace' | 'host' | 'default'
}

/** What of a request names a repository. */
export type Named = Pick<Pull, 'name' | 'prefix' | 'namespace' | 'host'>

export interface Router {
  route(named: Named): Route
  /** The upstream that a path prefix names; throws when there is none. */
  named(prefix: string): UpstreamConfig
  /** What a token's scope means on a host; undefined where it is nothing that is served. */
  scoped(name: string, host: string): Route | undefined
  /** The upstream that a Host header means, where it names one. */
  hosted(host: string): UpstreamConfig | undefined
  /** The upstream whose search a host means: its own, else the first that has one, the default before others. */
  searched(host: string): UpstreamConfig | undefined
}

/**
 * Decides which upstream a pull means: a known path prefix, else `ns`, else Host, else the default. The
 * world is closed: what is not configured is an error and is never dialled (clients.md, section 0).
 */
export function createRouter(config: Config): Router {
  const byName = new Map<string, UpstreamConfig>()
  const byHost = new Map<string, UpstreamConfig>()
  const byLabel: [string, UpstreamConfig][] = []
  const subdomains = new Map<string, UpstreamConfig | undefined>()
  let fallback: UpstreamConfig | undefined
  for (const upstream of config.upstreams.values()) {
    for (const name of [upstream.name, ...upstream.aliases, ...upstream.hosts])
      byName.set(name, upstream)
    for (const host of upstream.hosts) byHost.set(host, upstream)
    for (const label of [upstream.name, ...upstream.aliases]) byLabel.push([`${label}.`, upstream])
    if (upstream.isDefault) fallback = upstream
  }
  const ownHost = config.publicUrl === undefined ? undefined : new URL(config.publicUrl).hostname

  return {
    route,
    scoped,
    named: (prefix) => known(prefix, 'path prefix'),
    hosted,
    searched: (host) =>
      [hosted(host), fallback, ...config.upstreams.values()].find(
        (upstream) => upstream?.search !== undefined,
      ),
  }

  function scoped(name: string, host: string): Route | undefined {
    try {
      return route({ name, host, prefix: undefined, namespace: undefined })
    } catch (error) {
      if (error instanceof RegistryError) return undefined
      throw error
    }
  }

  function route(pull: Named): Route {
    if (pull.prefix !== undefined) {
      return routeTo(known(pull.prefix, 'path prefix'), pull.name, 'prefix')
    }
    const slash = pull.name.indexOf('/')
    const first = slash < 0 ? '' : pull.name.slice(0, slash)
    const prefixed = byName.get(first)
    if (prefixed) return routeTo(prefixed, pull.name.slice(slash + 1), 'prefix')
    if (pull.namespace !== undefined) {
      return routeTo(known(pull.namespace, 'namespace (?ns=)'), pull.name, 'namespace')
    }
    const byHeader = hosted(pull.host)
    if (byHeader) return routeTo(byHeader, pull.name, 'host')
    if (looksLikeHost(first)) throw unknownRegistry(first, 'registry')
    if (!fallback) throw unknownRegistry(pull.name, 'registry')
    return routeTo(fallback, pull.name, 'default')
  }

  function known(name: string, what: string): UpstreamConfig {
    const upstream = byName.get(name.toLowerCase().replace(/:443$/, ''))
    if (!upstream) throw unknownRegistry(name, what)
    return upstream
  }

  function hosted(host: string): UpstreamConfig | undefined {
    const known = byHost.get(host) ?? subdomains.get(host)
    if (known || subdomains.has(host)) return known
    const found = findSubdomain(host)
    if (subdomains.size >= maxSubdomains) subdomains.clear()
    subdomains.set(host, found)
    return found
  }

  /** `ghcr.mirror.example.com` and `ghcr.io.mirror.example.com` mean ghcr.io. */
  function findSubdomain(host: string): UpstreamConfig | undefined {
    for (const [label, upstream] of byLabel) {
      if (!host.startsWith(label)) continue
      if (ownHost === undefined || host === label + ownHost) return upstream
    }
    return undefined
  }

  function unknownRegistry(name: string, what: string): RegistryError {
    return new RegistryError(
      'NAME_UNKNOWN',
      `this mirror does not serve the ${what} ${quote(name)}: it serves ${[...config.upstreams.keys()].join(', ')}`,
    )
  }
}

/** Host headers remembered: there are few, but for hostile ones. */
const maxSubdomains = 1_000

function routeTo(upstream: UpstreamConfig, name: string, via: Route['via']): Route {
  return { upstream, repository: completeName(upstream, parseName(name)), via }
}

/** `nginx` is `library/nginx` where official images have a namespace. */
export function completeName({ officialNamespace }: UpstreamConfig, name: string): string {
  const isComplete = officialNamespace === undefined || name.includes('/')
  return isComplete ? name : `${officialNamespace}/${name}`
}

/** The rule by which clients tell a registry's host from a name's first component. */
function looksLikeHost(component: string): boolean {
  return component.includes('.') || component.includes(':') || component === 'localhost'
}
