import { answers, toReply, type Reply } from './answer.ts'
import type { TokenBehaviour, TokenField } from './behaviour.ts'
import type { Call } from './call.ts'
import { repositoryFor, type World } from './world.ts'

/** What was asked of the realm, in either form. */
interface TokenRequest {
  readonly scopes: readonly string[]
  readonly user: string | undefined
  readonly hasWrongCredentials: boolean
}

/** The token realm. */
export function answerToken(world: World, call: Call): Reply {
  const { token } = world.behaviour
  if (token.always !== undefined) return toReply(token.always, {})
  if (call.method === 'POST' && token.post !== 'grant') return toReply(token.post, {})
  if (call.method !== 'POST' && call.method !== 'GET') return toReply(answers.methodNotAllowed, {})
  const asked = call.method === 'POST' ? readForm(world, call) : readQuery(world, call)
  if (asked.hasWrongCredentials) return toReply(token.wrongCredentials, {})
  const repositories = grantedRepositories(world, asked)
  const wanted = asked.scopes.filter((scope) => scope.startsWith('repository:'))
  if (repositories !== 'all-public' && repositories.size < wanted.length) {
    if (token.denied !== 'empty-access') return toReply(token.denied, {})
  }
  const value = tokenText(world, token.form, repositories)
  const expiresAt = world.now() + token.lifeSeconds * 1000
  world.grants.set(value, { repositories, expiresAt })
  return toReply(
    { status: 200, contentType: 'application/json', body: tokenBody(world, token, value) },
    {},
  )
}

/** Basic credentials of a header, or undefined. `Basic Og==` is nobody. */
export function readBasic(header: string | null): { user: string; password: string } | undefined {
  const encoded = /^Basic (.*)$/i.exec(header ?? '')?.[1]
  if (encoded === undefined) return undefined
  const [user = '', ...password] = Buffer.from(encoded, 'base64').toString().split(':')
  return { user, password: password.join(':') }
}

function readQuery(world: World, call: Call): TokenRequest {
  const scopes = call.url.searchParams.getAll('scope').flatMap((scope) => scope.split(' '))
  const basic = readBasic(call.headers.get('authorization'))
  return { scopes, ...recognise(world, basic?.user, basic?.password) }
}

function readForm(world: World, call: Call): TokenRequest {
  const form = new URLSearchParams(call.body)
  const scopes = form.getAll('scope').flatMap((scope) => scope.split(' '))
  const user = form.get('username') ?? undefined
  return { scopes, ...recognise(world, user, form.get('password') ?? '') }
}

function recognise(
  world: World,
  user: string | undefined,
  password: string | undefined,
): { user: string | undefined; hasWrongCredentials: boolean } {
  if (user === undefined) return { user: undefined, hasWrongCredentials: false }
  return { user, hasWrongCredentials: world.behaviour.users[user] !== password }
}

function grantedRepositories(world: World, asked: TokenRequest): Set<string> | 'all-public' {
  // public.ecr.aws has one scope for everything, `aws`.
  if (asked.scopes.some((scope) => !scope.includes(':'))) return 'all-public'
  const names = asked.scopes.flatMap((scope) => /^repository:(.+):[^:]+$/.exec(scope)?.[1] ?? [])
  return new Set(names.filter((name) => mayPull(world, name, asked.user)))
}

function mayPull(world: World, name: string, user: string | undefined): boolean {
  const repository = repositoryFor(world, name)
  if (repository === undefined) return false
  return !repository.isPrivate || user !== undefined
}

function tokenText(
  world: World,
  form: TokenBehaviour['form'],
  repositories: Set<string> | 'all-public',
): string {
  const names = repositories === 'all-public' ? [] : [...repositories]
  const serial = world.nextSerial()
  if (form === 'odd') return `Ab+/${serial}+/==`
  if (form === 'base64') return encode(`v1:${names[0] ?? ''}:${world.now()}${serial}`, 'base64')
  const access = names.map((name) => ({ type: 'repository', name, actions: ['pull'] }))
  const payload = encode(JSON.stringify({ access, jti: String(serial) }), 'base64url')
  return `${encode('{"alg":"RS256","typ":"JWT"}', 'base64url')}.${payload}.c2lnbmF0dXJl`
}

function encode(text: string, encoding: 'base64' | 'base64url'): string {
  return Buffer.from(text).toString(encoding)
}

function tokenBody(world: World, token: TokenBehaviour, value: string): string {
  const fields: Record<TokenField, string | number> = {
    token: value,
    access_token: value,
    expires_in: token.lifeSeconds,
    issued_at: new Date(world.now()).toISOString(),
  }
  return JSON.stringify(Object.fromEntries(token.fields.map((field) => [field, fields[field]])))
}
