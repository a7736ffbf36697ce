export type Environment = Readonly<Record<string, string | undefined>>

const maxProblems = 5

interface Interpolated {
  readonly text: string
  readonly problems: readonly string[]
}

/**
 * Replaces `${NAME}` and `${NAME:-default}`; `$${` stands for `${`. A lone `$` stays: registries have user
 * names such as `$oauthtoken` and `robot$name`.
 */
export function interpolate(text: string, environment: Environment): Interpolated {
  const problems = new Set<string>()
  const replaced = text.replace(
    /\$\$\{|\$\{([^}]*)(\}?)/g,
    (match, inner?: string, end?: string) => {
      if (inner === undefined) return '${'
      const variable = /^([A-Za-z_][A-Za-z0-9_]{0,99})(?::-((?:(?!\$\{).)*))?$/s.exec(inner)
      if (variable === null || end === '') {
        problems.add(malformed)
        return match
      }
      const [, name = '', fallback] = variable
      const value = valueOf(environment, name) || fallback
      if (value === undefined) problems.add(unset(name))
      return value ?? match
    },
  )
  return { text: replaced, problems: [...problems].slice(0, maxProblems) }
}

const malformed =
  'has a ${ that is neither ${NAME} nor ${NAME:-default}; write $${ for the two characters themselves'

function unset(name: string): string {
  return `\${${name}} is not set or empty: set the environment variable, or write \${${name}:-} to leave it out`
}

function valueOf(environment: Environment, name: string): string | undefined {
  return Object.hasOwn(environment, name) ? environment[name] : undefined
}
