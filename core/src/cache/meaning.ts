import { isUnknown } from '../errors.ts'
import type { Digest } from '../ports.ts'
import { everything } from '../request/accept.ts'
import type { Route } from '../route.ts'
import { headManifest } from '../upstream/manifests.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { createSingleFlight } from './single-flight.ts'
import type { Tags } from './tags.ts'

/** A record of its own: the one of pulls is also what trouble leaves us with, and its content must be here. */
const meaningKey = 'meaning'

/**
 * The digest of a tag, by a HEAD where it is not remembered. Undefined: there is no such tag. In trouble what was
 * known counts; where nothing was, this throws, since a rule that cannot be followed must not let pass.
 */
export function createFindMeaning(
  tags: Tags,
): (
  route: Route,
  tag: string,
  upstream: Upstream,
  deadline: number,
) => Promise<Digest | undefined> {
  const checks = createSingleFlight<Digest | undefined>()

  return async (route, tag, upstream, deadline) => {
    const pulled = await tags.find(route, tag, everything.key)
    if (pulled?.isFresh) return pulled.record.digest
    const known = await tags.find(route, tag, meaningKey)
    if (known?.isFresh) return known.record.digest
    const { repository } = route
    return checks.run(
      `${upstream.config.name}/${repository}:${tag}#${upstream.askerKey}`,
      async () => {
        try {
          const reference = { type: 'tag', tag } as const
          const question = { repository, reference, accepted: everything, deadline }
          const current = await headManifest(upstream, question)
          if (current) await tags.note(route, tag, meaningKey, current)
          return current?.digest
        } catch (error) {
          if (isUnknown(error)) return undefined
          const last = known ?? pulled
          if (last) return last.record.digest
          throw error
        }
      },
    )
  }
}
