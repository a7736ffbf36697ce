/** One challenge of a WWW-Authenticate header (RFC 9110, section 11.6.1). Names are lower case. */
export interface Challenge {
  readonly scheme: string
  readonly parameters: ReadonlyMap<string, string>
}

const maxHeaderLength = 8_192

const separator = /[\s,]*/y
const token = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y
const equals = /[ \t]*=[ \t]*/y
const quoted = /"((?:[^"\\]|\\.)*)"?/y
const unquoted = /[^\s,]*/y
const token68 = /[ \t]+[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|$))/y

/**
 * Reads all challenges of a header, in their order. Several header lines come joined by commas, as Headers
 * gives them. Values may be quoted, unquoted (gcr.io), or hold commas. What cannot be read ends the list.
 */
export function parseChallenges(header: string | null): Challenge[] {
  const text = (header ?? '').slice(0, maxHeaderLength)
  const challenges: { scheme: string; parameters: Map<string, string> }[] = []
  let position = 0

  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = position
    const match = pattern.exec(text)
    if (match) position = pattern.lastIndex
    return match
  }

  while (position < text.length) {
    take(separator)
    const name = take(token)?.[0].toLowerCase()
    if (name === undefined) break
    const current = challenges.at(-1)
    if (!current || !take(equals)) {
      challenges.push({ scheme: name, parameters: new Map() })
      take(token68)
      continue
    }
    const value = take(quoted)?.[1]?.replaceAll(/\\(.)/g, '$1') ?? take(unquoted)?.[0] ?? ''
    // A parameter must not appear twice (RFC 9110, section 11.2): the first one counts.
    if (!current.parameters.has(name)) current.parameters.set(name, value)
  }
  return challenges
}
