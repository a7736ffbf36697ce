import type { Config } from '../config/config.ts'
import { RegistryError } from '../errors.ts'
import { splitUrl } from '../request/parse.ts'
import type { Named, Route } from '../route.ts'
import type { Asker } from '../upstream/asker.ts'
import type { Client } from './client.ts'
import type { Guesses } from './guesses.ts'
import { anyService, scopeAtUpstream } from './relay.ts'
import { scopeOf } from './challenge.ts'
import type { RelayAccess } from './relay-access.ts'
import { readTokenRequest } from './relay-request.ts'
import { readRelayToken } from './relay-token.ts'

/** One request to a repository of a relay upstream. */
export interface Visit {
  readonly route: Route
  /** As the client names the repository. */
  readonly named: Named
  readonly actions: readonly string[]
  /** Another repository that has to be read for it, by the client's name. */
  readonly mountFrom?: string | undefined
  readonly request: Request
  readonly client: Client
}

/** What a client of a relay upstream meets at our door: /token, /v2/, and each repository. */
export interface RelayDoor {
  /**
   * The answer where a relay upstream is meant, else the request, whole, for who is next. `count` throws where a
   * client asks too often.
   */
  token(request: Request, client: Client, count: () => Promise<void>): Promise<Response | Request>
  /** Throws the challenge that makes clients log in; false where other logins than a relay upstream's count. */
  ping(request: Request, prefix: string | undefined, client: Client): boolean
  /**
   * Does the work for whom the client shows to be; undefined at all other upstreams. Who has not said anything,
   * and whom the upstream refuses, is told where to log in.
   */
  visit<T>(visit: Visit, work: (asker: Asker | undefined) => Promise<T>): Promise<T>
}

/** Counts guesses: the upstream would shut out this mirror, and so everybody, for one client's wrong passwords. */
export function createRelayDoor(config: Config, relay: RelayAccess, guesses: Guesses): RelayDoor {
  const isUsed = [...config.upstreams.values()].some(
    ({ clientCredentials }) => clientCredentials === 'relay',
  )

  return {
    async token(request, client, count) {
      if (!isUsed) return request
      const { asked, again } = await readTokenRequest(request)
      const isPassword = asked?.login.kind === 'password'
      const answer = asked && (await guarded(isPassword, client, () => relay.token(asked, count)))
      if (!answer) return again
      const { token, expiresInSeconds, refreshToken } = answer
      const shown = { token, access_token: token, expires_in: Math.floor(expiresInSeconds) }
      const body = refreshToken === undefined ? shown : { ...shown, refresh_token: refreshToken }
      return Response.json(body, { headers: { 'cache-control': 'no-store' } })
    },

    ping({ url, headers }, prefix, client) {
      const { host } = splitUrl(url)
      const upstream = isUsed ? relay.atPing(host, prefix) : undefined
      if (!upstream) return false
      const token = /^Bearer +(\S+)$/i.exec(headers.get('authorization') ?? '')?.[1]
      if (token !== undefined && readRelayToken(token)) return true
      const isCertain = prefix !== undefined || upstream.hosts.includes(host)
      const service = isCertain ? upstream.name : anyService
      throw challenge(`log in with your account at ${upstream.name}`, client, service)
    },

    visit: (visit, work) =>
      // Most pulls: clients have no accounts of their own.
      visit.route.upstream.clientCredentials === 'relay'
        ? visitAsCaller(visit, work)
        : work(undefined),
  }

  async function visitAsCaller<T>(visit: Visit, work: (asker: Asker) => Promise<T>): Promise<T> {
    const asker = await admit(visit)
    return work(asker).catch((error: unknown) => {
      throw challenged(error, visit)
    })
  }

  async function admit(visit: Visit): Promise<Asker> {
    const { route, actions, request } = visit
    const { upstream } = route
    const authorization = request.headers.get('authorization')
    const scope = scopeAtUpstream(route, actions)
    const evidence = { upstream, scope, authorization }
    const isPassword = /^basic /i.test(authorization ?? '')
    const asker = await guarded(isPassword, visit.client, () => relay.recognise(evidence)).catch(
      (error: unknown) => {
        throw challenged(error, visit)
      },
    )
    if (asker) return asker
    const message = `log in with your account at ${upstream.name}, or ask as nobody for a token`
    throw challenge(message, visit.client, upstream.name, scopeAt(visit))
  }

  async function guarded<T>(
    isPassword: boolean,
    { address }: Client,
    work: () => Promise<T>,
  ): Promise<T> {
    if (!isPassword) return work()
    // Throws. Right ones are not counted: a whole cluster may log in at once from one address.
    if (guesses.isBlocked(address)) guesses.begin(address)
    return work().catch(async (error: unknown) => {
      if (error instanceof RegistryError && error.code === 'UNAUTHORIZED')
        await guesses.begin(address).wrong()
      throw error
    })
  }

  /** A 401 of the upstream, with where to log in. */
  function challenged(error: unknown, visit: Visit): unknown {
    if (!(error instanceof RegistryError) || error.code !== 'UNAUTHORIZED') return error
    const { name } = visit.route.upstream
    return challenge(error.message, visit.client, name, scopeAt(visit), 'insufficient_scope')
  }
}

/** As the client names it: what it asks for next must be something that it knows. */
function scopeAt({ named, actions, mountFrom }: Visit): string {
  const { prefix } = named
  const own = scopeOf(named, actions)
  return mountFrom === undefined ? own : `${own} ${scopeOf({ prefix, name: mountFrom }, ['pull'])}`
}

function challenge(
  message: string,
  client: Client,
  service: string,
  scope?: string,
  error?: string,
): RegistryError {
  const parts = [`realm="${client.origin()}/token"`, `service="${service}"`]
  if (scope !== undefined) parts.push(`scope="${scope}"`)
  if (error !== undefined) parts.push(`error="${error}"`)
  const headers = { 'www-authenticate': `Bearer ${parts.join(',')}` }
  return new RegistryError('UNAUTHORIZED', message, { headers })
}
