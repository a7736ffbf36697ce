import type { Call, Granted, Registry } from './registry.ts'

/** The token realm: GET with Basic, POST with a form. */
export function answerRealm(registry: Registry, call: Call): Response {
  const { settings, tokens } = registry
  const form = new URLSearchParams(call.body.toString())
  const user = call.method === 'POST' ? userOfForm(form) : userOf(settings.passwords, call.headers)
  if (user === 'wrong')
    return Response.json({ details: 'incorrect username or password' }, { status: 401 })
  const scopes =
    call.method === 'POST'
      ? (form.get('scope') ?? '').split(' ')
      : call.url.searchParams.getAll('scope')
  const granted: Granted = {
    user,
    rights: new Set(scopes.flatMap((scope) => grant(registry, user, scope))),
  }
  const token = `token-${user ?? 'nobody'}-${String(tokens.size)}`
  tokens.set(token, granted)
  const { lifeSeconds } = settings
  const wantsRefresh = call.url.searchParams.get('offline_token') === 'true' && user !== undefined
  return Response.json({
    token,
    ...(lifeSeconds !== undefined && { expires_in: lifeSeconds }),
    ...(wantsRefresh && { refresh_token: `refresh-${user}` }),
  })
}

/** Undefined: nobody. `Basic Og==` is nobody, too. */
export function userOf(
  passwords: Readonly<Record<string, string>>,
  headers: Headers,
): string | undefined {
  const basic = /^Basic (.+)$/.exec(headers.get('authorization') ?? '')?.[1]
  if (basic === undefined) return undefined
  const [user = '', password] = Buffer.from(basic, 'base64').toString().split(':')
  return passwords[user] !== undefined && passwords[user] === password ? user : 'wrong'
}

function userOfForm(form: URLSearchParams): string {
  const user = /^refresh-(.+)$/.exec(form.get('refresh_token') ?? '')?.[1]
  return form.get('grant_type') === 'refresh_token' && user !== undefined ? user : 'wrong'
}

function grant({ settings }: Registry, user: string | undefined, scope: string): string[] {
  const [, name, actions = ''] = /^repository:(.+):([^:]+)$/.exec(scope) ?? []
  if (name === undefined) return []
  return actions
    .split(',')
    .filter((action) => settings.mayDo(user, name, action))
    .map((action) => `${name}:${action}`)
}
