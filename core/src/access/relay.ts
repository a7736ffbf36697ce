import type { Config, UpstreamConfig } from '../config/config.ts'
import { RegistryError } from '../errors.ts'
import type { CreateHasher } from '../ports.ts'
import type { Named, Route, Router } from '../route.ts'
import type { Granted, Login, RelayLogin } from '../upstream/relay-login.ts'
import { projectOf } from '../upstream/question.ts'
import { toAsker } from './callers.ts'
import type { Grants } from './grants.ts'
import {
  maxTokenLength,
  readRefreshToken,
  type UpstreamToken,
  writeRefreshToken,
  writeRelayToken,
} from './relay-token.ts'
import { parseScopes, type RepositoryScope } from './scopes.ts'

/** A token request as it came, in either form. */
export interface RelayTokenRequest {
  /** Host header, lower case, without port. */
  readonly host: string
  readonly service: string | undefined
  readonly scopes: readonly string[]
  readonly login: Login
}

export interface RelayTokenAnswer {
  readonly token: string
  readonly expiresInSeconds: number
  readonly refreshToken: string | undefined
}

export interface RelayOptions {
  readonly config: Config
  readonly router: Router
  readonly loginTo: (upstream: UpstreamConfig) => RelayLogin
  readonly grants: Grants
  readonly createHasher: CreateHasher
  /** What the operator's image lists allow. */
  readonly mayAsk: (route: Route) => boolean
}

/** Our token endpoint, where it stands for that of an upstream at which clients have accounts of their own. */
export interface Relay {
  /** Undefined where no relay upstream is meant. Throws what the upstream says of the login. */
  token(
    request: RelayTokenRequest,
    count: () => Promise<void>,
  ): Promise<RelayTokenAnswer | undefined>
  /** The relay upstream for which a client that asks for `/v2/` has to log in. */
  atPing(host: string, prefix: string | undefined): UpstreamConfig | undefined
}

/** Of the challenge at a `/v2/` that stands for several upstreams; elsewhere it is the upstream's name. */
export const anyService = 'pullway'

export function createRelay(options: RelayOptions): Relay {
  const { config, router, loginTo, grants, createHasher, mayAsk } = options
  const allowed: ReadonlySet<string> = new Set(
    config.push.enabled ? ['pull', 'push', 'delete', '*'] : ['pull'],
  )

  return {
    atPing,
    async token({ host, service, scopes, login }, count) {
      if (login.kind === 'refresh' && !readRefreshToken(login.token)) throw unknownRefreshToken()
      const namespace = service !== undefined && isRegistry(service) ? service : undefined
      const wanted = parseScopes(scopes)
      const groups = groupByUpstream(wanted, { host, namespace })
      if (groups.size === 0) {
        const upstream = wanted.length > 0 ? undefined : atLogin(host, namespace)
        if (!upstream) return undefined
        groups.set(upstream, [])
      }
      // Before the upstream is asked: nobody tries passwords there through us at will.
      await count()
      return collect(groups, login)
    },
  }

  function atPing(host: string, prefix: string | undefined): UpstreamConfig | undefined {
    const named = prefix === undefined ? router.hosted(host) : router.named(prefix)
    if (named) return relayed(named)
    const all = [...config.upstreams.values()]
    const preferred = all.find(({ isDefault }) => isDefault)
    const first = config.access.users ? undefined : all.find(relayed)
    return (preferred && relayed(preferred)) ?? first
  }

  /** A login without an image: for the upstream that the challenge named, else as at `/v2/`. */
  function atLogin(host: string, namespace: string | undefined): UpstreamConfig | undefined {
    return namespace === undefined ? atPing(host, undefined) : relayed(router.named(namespace))
  }

  function isRegistry(name: string): boolean {
    return config.upstreams.has(name)
  }

  function groupByUpstream(
    wanted: readonly RepositoryScope[],
    where: Pick<Named, 'host' | 'namespace'>,
  ): Map<UpstreamConfig, string[]> {
    const groups = new Map<UpstreamConfig, string[]>()
    for (const { name, actions } of wanted) {
      const route = routeOf({ ...where, name, prefix: undefined })
      if (!route || !relayed(route.upstream) || !mayAsk(route)) continue
      const kept = actions.filter((action) => allowed.has(action))
      if (kept.length === 0) continue
      const scopes = groups.get(route.upstream) ?? []
      scopes.push(scopeAtUpstream(route, kept))
      groups.set(route.upstream, scopes)
    }
    return groups
  }

  function routeOf(named: Named): Route | undefined {
    try {
      return router.route(named)
    } catch (error) {
      if (error instanceof RegistryError) return undefined
      throw error
    }
  }

  /** What one upstream refuses does not keep a client from the others: it mounts where it may, and pushes the rest. */
  async function collect(
    groups: ReadonlyMap<UpstreamConfig, readonly string[]>,
    login: Login,
  ): Promise<RelayTokenAnswer> {
    const tokens = new Map<string, UpstreamToken>()
    let expiresInSeconds = longestLifeSeconds
    let refreshToken: string | undefined
    let failure: unknown
    let isGranted = false
    for (const [upstream, scopes] of groups) {
      try {
        const granted = await loginTo(upstream)(loginFor(upstream, login), scopes)
        isGranted = true
        expiresInSeconds = Math.min(expiresInSeconds, granted.lifeSeconds)
        if (granted.refreshToken !== undefined)
          refreshToken ??= writeRefreshToken(upstream.name, granted.refreshToken)
        await keep(upstream, granted, tokens)
      } catch (error) {
        failure ??= error
      }
    }
    if (!isGranted) throw failure
    return { token: writeRelayToken(tokens), expiresInSeconds, refreshToken }
  }

  async function keep(
    upstream: UpstreamConfig,
    { token, lifeSeconds }: Granted,
    tokens: Map<string, UpstreamToken>,
  ): Promise<void> {
    if (!token) return
    const size = [...tokens.values()].reduce((sum, { value }) => sum + value.length, 0)
    if (size + token.value.length > maxTokenLength) return
    tokens.set(upstream.name, token)
    await grants.noteLife(toAsker(upstream, token, createHasher), lifeSeconds)
  }
}

function unknownRefreshToken(): RegistryError {
  return new RegistryError('UNAUTHORIZED', 'this refresh token is not from here: log in again')
}

const longestLifeSeconds = 12 * 3600

/** `repository:<name at the upstream>:<actions>`. */
export function scopeAtUpstream(
  { upstream, repository }: Route,
  actions: readonly string[],
): string {
  const project = projectOf(upstream.endpoints[0]?.url ?? '')
  return `repository:${project}${repository}:${actions.join(',')}`
}

function relayed(upstream: UpstreamConfig): UpstreamConfig | undefined {
  return upstream.clientCredentials === 'relay' ? upstream : undefined
}

/** A refresh token is shown to the upstream that gave it; to others its holder is a stranger. */
function loginFor(upstream: UpstreamConfig, login: Login): Login {
  if (login.kind !== 'refresh') return login
  const known = readRefreshToken(login.token)
  if (known?.upstream !== upstream.name) return { kind: 'anonymous' }
  return { kind: 'refresh', token: known.value }
}
