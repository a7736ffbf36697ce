import type { Behaviour, Hop } from './behaviour.ts'
import type { Repository } from './content.ts'
import type { Content } from './image.ts'

/** All that the parts of one played registry share. */
export interface World {
  behaviour: Behaviour
  readonly repositories: Map<string, Repository>
  readonly grants: Map<string, Grant>
  /** Addresses given out in redirects, by their whole URL: a changed character finds nothing. */
  readonly locations: Map<string, SignedLocation>
  readonly now: () => number
  readonly nextSerial: () => number
  /** GETs of manifests, which is what Docker Hub counts. */
  pullsUsed: number
}

/** What a token opens. */
export interface Grant {
  readonly repositories: ReadonlySet<string> | 'all-public'
  readonly expiresAt: number
}

export interface SignedLocation {
  readonly content: Content
  readonly repository: string
  readonly hopsLeft: readonly Hop[]
  readonly expiresAt: number
}

export function repositoryFor(world: World, path: string): Repository | undefined {
  const { repositoryPrefix } = world.behaviour
  if (!path.startsWith(repositoryPrefix)) return undefined
  return world.repositories.get(path.slice(repositoryPrefix.length))
}
