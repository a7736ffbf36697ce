/** `repository:<name>:<actions>` of a token request (distribution's token scope grammar). */
export interface RepositoryScope {
  readonly name: string
  readonly actions: readonly string[]
}

/** An image's own, and those from which a push mounts: docker names up to four. */
const maxScopes = 16
const maxScopeLength = 512

/** Reads scopes, repeated or space-separated; what asks for no repository is left out. */
export function parseScopes(values: readonly string[]): RepositoryScope[] {
  const texts = values.flatMap((value) => value.split(' ')).filter((text) => text !== '')
  return texts.slice(0, maxScopes).flatMap((text) => {
    if (text.length > maxScopeLength) return []
    const match = /^repository(?:\([a-z0-9]+\))?:(.+):([a-z*]+(?:,[a-z*]+)*)$/.exec(text)
    if (match?.[1] === undefined || match[2] === undefined) return []
    return [{ name: match[1], actions: [...new Set(match[2].split(','))] }]
  })
}

/** The same in the grammar. */
export function formatScope({ name, actions }: RepositoryScope): string {
  return `repository:${name}:${actions.join(',')}`
}
