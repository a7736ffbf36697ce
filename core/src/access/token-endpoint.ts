import { RegistryError } from '../errors.ts'
import { splitUrl } from '../request/parse.ts'
import { readBytes } from '../upstream/body.ts'
import type { Caller } from './caller.ts'
import { serviceOf } from './challenge.ts'
import type { Client } from './client.ts'
import { type Claim, parseAuthorization, toClaim } from './credentials.ts'
import type { UserEntry } from './htpasswd.ts'
import { toCaller } from './identify.ts'
import type { Passwords } from './passwords.ts'
import type { RefreshTokens } from './refresh-tokens.ts'
import { formatScope, parseScopes, type RepositoryScope } from './scopes.ts'
import type { Tokens } from './tokens.ts'

export interface TokenEndpointOptions {
  readonly passwords: Passwords
  readonly tokens: Tokens
  readonly refreshTokens: RefreshTokens
  readonly anonymous: boolean
  /** Whether any rule lets this caller pull what a scope names on the host that was asked. */
  readonly isAllowed: (caller: Caller, scope: RepositoryScope, host: string) => boolean
}

/** What was asked for, by GET with HTTP Basic or by POST with a form. */
interface TokenQuestion {
  readonly claim: Claim | { readonly kind: 'refresh'; readonly token: string }
  readonly scopes: readonly RepositoryScope[]
  /** Whether a refresh token is wanted, too. */
  readonly isOffline: boolean
}

export interface Granted {
  readonly response: Response
  /** Undefined: anonymous. */
  readonly user: string | undefined
}

/** In seconds: clients ask anew for each pull, and a download that has begun needs none any more. */
const lifeSeconds = 300
const maxFormBytes = 16 * 1024

/**
 * /token: the token endpoint of the distribution specification, GET with HTTP Basic and POST with OAuth 2's
 * form. No `issued_at`: clients add the life time to it by their own clocks (clients.md, section 2).
 */
export function createTokenEndpoint({
  passwords,
  tokens,
  refreshTokens,
  anonymous,
  isAllowed,
}: TokenEndpointOptions): (request: Request, client: Client) => Promise<Granted> {
  return async (request, client) => {
    const question = await readQuestion(request)
    const { host } = splitUrl(request.url)
    const service = serviceOf(client)
    const entry = await find(question, client, isStray(request, question))
    const caller = toCaller(entry, null)
    const scopes = question.scopes.flatMap((scope) => {
      const actions = scope.actions.filter((action) => action === 'pull' || action === '*')
      const isGranted = actions.length > 0 && isAllowed(caller, scope, host)
      return isGranted ? [{ ...scope, actions: ['pull'] }] : []
    })
    const token = await tokens.issue({ use: 'access', entry, service, scopes, lifeSeconds })
    const refresh = await refreshed(question, entry, service)
    const answer = {
      token,
      access_token: token,
      expires_in: lifeSeconds,
      scope: scopes.map(formatScope).join(' '),
      ...(refresh !== undefined && { refresh_token: refresh }),
    }
    return { response: answerWith(answer, request.method), user: entry?.name }
  }

  /** Undefined: anonymous. Throws where somebody has to be, or wants to be, somebody. */
  async function find(
    { claim }: TokenQuestion,
    client: Client,
    isStray: boolean,
  ): Promise<UserEntry | undefined> {
    switch (claim.kind) {
      case 'none':
        if (anonymous) return undefined
        throw refusal(
          'log in to this mirror: docker login, podman login or skopeo login with its host',
        )
      case 'refresh': {
        const entry = await refreshTokens.redeem(claim.token, serviceOf(client))
        if (entry) return entry
        throw refusal('this login is not valid any more: log in anew')
      }
      case 'bearer':
        throw refusal('a token gets no other token: log in with a name and a password')
      case 'password': {
        const asked = { ...claim, address: client.address }
        if (isStray && anonymous) return passwords.checkStray(asked)
        const entry = await passwords.check(asked)
        if (entry) return entry
        throw refusal('the user name or the password is wrong')
      }
    }
  }

  async function refreshed(
    { claim, isOffline }: TokenQuestion,
    entry: UserEntry | undefined,
    service: string,
  ): Promise<string | undefined> {
    if (claim.kind === 'refresh') return claim.token
    return isOffline && entry ? refreshTokens.issue(entry, service) : undefined
  }
}

/**
 * For a pull, dockerd sends a mirror the login that it has for Docker Hub (clients.md, section 6): a 401
 * would make it pass us by. `docker login` itself asks for a lasting token and for no scope.
 */
function isStray(request: Request, { scopes, isOffline }: TokenQuestion): boolean {
  const isDocker = request.headers.get('user-agent')?.startsWith('docker/') === true
  return isDocker && scopes.length > 0 && !isOffline
}

async function readQuestion(request: Request): Promise<TokenQuestion> {
  if (request.method === 'POST') return readForm(request)
  if (request.method !== 'GET' && request.method !== 'HEAD') throw wrongMethod
  const query = new URLSearchParams(splitUrl(request.url).query)
  return {
    claim: parseAuthorization(request.headers.get('authorization')),
    scopes: parseScopes(query.getAll('scope')),
    isOffline: query.get('offline_token') === 'true',
  }
}

async function readForm(request: Request): Promise<TokenQuestion> {
  const size = request.headers.get('content-length')
  const body = new Response(request.body, {
    headers: size === null ? {} : { 'content-length': size },
  })
  const bytes = await readBytes(body, maxFormBytes).catch(() => undefined)
  if (!bytes) throw badForm('the form is too long or breaks off')
  const form = new URLSearchParams(new TextDecoder().decode(bytes))
  const common = {
    scopes: parseScopes(form.getAll('scope')),
    isOffline: form.get('access_type') === 'offline',
  }
  switch (form.get('grant_type')) {
    case 'password':
      return { ...common, claim: toClaim(form.get('username') ?? '', form.get('password') ?? '') }
    case 'refresh_token':
      return { ...common, claim: { kind: 'refresh', token: form.get('refresh_token') ?? '' } }
  }
  throw badForm('grant_type must be password or refresh_token')
}

const wrongMethod = new RegistryError('UNSUPPORTED', 'tokens come by GET, or by POST of a form', {
  headers: { allow: 'GET, HEAD, POST' },
})

function answerWith(answer: object, method: string): Response {
  const body = new TextEncoder().encode(JSON.stringify(answer))
  return new Response(method === 'HEAD' ? null : body, {
    headers: {
      'content-type': 'application/json',
      'content-length': String(body.byteLength),
      'cache-control': 'no-store',
    },
  })
}

function badForm(message: string): RegistryError {
  return new RegistryError('UNSUPPORTED', message, { status: 400 })
}

function refusal(message: string): RegistryError {
  return new RegistryError('UNAUTHORIZED', message)
}
