/** One thing that a token is asked for (distribution's token specification, "Resource Scope Grammar"). */
export interface Scope {
  readonly type: string
  readonly name: string
  readonly actions: readonly string[]
}

/** A push with many mounts asks for some dozens. */
const maxScopes = 100
const maxScopeLength = 1_024

/** Of a query or a form, where `scope` may come several times and holds several, too. What is none is left out. */
export function parseScopes(values: readonly string[]): readonly Scope[] {
  const scopes = values
    .flatMap((value) => value.split(' '))
    .slice(0, maxScopes)
    .flatMap(parseScope)
  const known = new Set<string>()
  return scopes.filter((scope) => {
    const text = formatScope(scope)
    if (known.has(text)) return false
    known.add(text)
    return true
  })
}

export function formatScope({ type, name, actions }: Scope): string {
  return `${type}:${name}:${actions.join(',')}`
}

/** A name may hold a host with a port: the actions stand behind the last colon. */
function parseScope(text: string): Scope[] {
  if (text.length > maxScopeLength) return []
  const [, type, name, actions] = /^(repository)(?:\([a-z]+\))?:([\w./:-]+):([a-z*,]+)$/.exec(text) ?? []
  if (type === undefined || name === undefined || actions === undefined) return []
  return [{ type, name, actions: [...new Set(actions.split(','))].filter((one) => one !== '') }]
}
