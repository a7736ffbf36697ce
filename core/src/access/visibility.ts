import { RegistryError } from '../errors.ts'
import { parseAccept } from '../request/accept.ts'
import type { Target } from '../request/parse.ts'
import type { Route } from '../route.ts'
import { type Asker, askAs, nobody } from '../upstream/asker.ts'
import { headBlob } from '../upstream/blobs.ts'
import { discard } from '../upstream/body.ts'
import { hasAccount } from '../upstream/guest.ts'
import { headManifest } from '../upstream/manifests.ts'
import type { Upstream } from '../upstream/upstream.ts'
import type { Grants } from './grants.ts'
import type { PrivateRepositories } from './private.ts'

/** Who wants to see what. */
export interface Viewing {
  readonly route: Route
  readonly target: Target
  readonly upstream: Upstream
  readonly deadline: number
  readonly headers: Headers
  /** At a relay upstream: the caller's own rights there. */
  readonly asker: Asker | undefined
  /** A rule names this very user for this image. */
  readonly isNamed: boolean
}

/** The upstream as this viewer may ask it; throws where nothing of the repository is for them. */
export type See = (viewing: Viewing) => Promise<Upstream> | Upstream

/**
 * Before the cache, for what it holds is everybody's: whether the upstream would show this repository to this
 * viewer. Where clients use accounts of their own, it is asked with theirs; where the operator's account sees
 * more than the public, it is asked without.
 */
export function createSee(grants: Grants, privateRepositories: PrivateRepositories): See {
  return (viewing) => {
    const { upstream, isNamed } = viewing
    const { clientCredentials, endpoints } = upstream.config
    if (clientCredentials === 'relay') return seeAsCaller(viewing)
    return endpoints.some(hasAccount) && !isNamed ? seeAsNobody(viewing) : upstream
  }

  async function seeAsCaller(viewing: Viewing): Promise<Upstream> {
    const { route, upstream, asker } = viewing
    const { name } = upstream.config
    if (!asker) throw new RegistryError('UNAUTHORIZED', `${name} wants to know who you are`)
    const asked = askAs(upstream, asker)
    // Nothing of a list is kept: it is itself the upstream's answer to this caller.
    if (!isKept(viewing.target)) return asked
    const question = { asker, upstream: name, repository: route.repository }
    await grants.check(question, () => probe(asked, viewing))
    return asked
  }

  async function seeAsNobody(viewing: Viewing): Promise<Upstream> {
    const { route, upstream } = viewing
    const asked = askAs(upstream, nobody)
    await privateRepositories.refuse(
      upstream.config,
      route.repository,
      () => probe(asked, viewing),
      () => probe(upstream, viewing),
    )
    return upstream
  }
}

function isKept({ kind }: Target): boolean {
  return kind === 'manifest' || kind === 'blob'
}

/** The same question, moving no content and costing no quota. */
async function probe(upstream: Upstream, viewing: Viewing): Promise<void> {
  const { route, target, deadline } = viewing
  const { repository } = route
  switch (target.kind) {
    case 'manifest': {
      const { reference } = target
      const accepted = parseAccept(viewing.headers.get('accept'))
      await headManifest(upstream, { repository, reference, accepted, deadline })
      return
    }
    case 'blob':
      await headBlob(upstream, { repository, digest: target.digest, deadline })
      return
    case 'tags':
    case 'referrers': {
      const headers = { accept: 'application/json' }
      await upstream.ask(
        {
          method: 'GET',
          repository,
          target: { kind: 'tags' },
          deadline,
          query: 'n=1',
          headers,
        },
        discard,
      )
    }
  }
}
