import type { KeyPath, Report } from './mistakes.ts'
import type { Draft } from './upstreams.ts'

/** A name, an alias or a host means one upstream: reports what is claimed twice. */
export function claimNames(drafts: readonly Draft[], report: Report): void {
  const names = new Map(drafts.map(({ name }) => [name, name]))
  const hosts = new Map(
    drafts.flatMap(({ name, ownHosts }) => ownHosts.map((host) => [host, name])),
  )

  const claim = (claims: Map<string, string>, word: string, name: string, path: KeyPath): void => {
    const owner = claims.get(word)
    if (owner !== undefined) report.add(path, `already means ${owner}: choose another`)
    else claims.set(word, name)
  }

  for (const { name, path, given, ownHosts } of drafts) {
    for (const [index, alias] of (given.aliases ?? []).entries()) {
      if (alias !== undefined) claim(names, alias, name, [...path, 'aliases', index])
    }
    for (const [index, host] of (given.hosts ?? []).entries()) {
      if (host !== undefined && !ownHosts.includes(host))
        claim(hosts, host, name, [...path, 'hosts', index])
    }
  }
}
