import { discard } from './body.ts'
import type { BlobQuestion } from './blobs.ts'
import { checkRedirect, isRedirect, refuseForbidden } from './exchange.ts'
import { isOwnHost } from './trust.ts'
import type { Upstream } from './upstream.ts'

/**
 * The link that the upstream gives for a blob, for the client to follow; undefined where it would send the
 * bytes itself. What the mirror would not follow, no client is sent to either.
 */
export async function linkToBlob(
  upstream: Upstream,
  { repository, digest, deadline }: BlobQuestion,
): Promise<URL | undefined> {
  return upstream.ask(
    {
      method: 'GET',
      repository,
      target: { kind: 'blob', digest },
      deadline,
      follow: () => false,
      alsoTake: [301, 302, 303, 307, 308],
    },
    async (response, _, from) => {
      await discard(response)
      const location = isRedirect(response.status) ? response.headers.get('location') : null
      if (location === null) return undefined
      const url = checkRedirect(URL.parse(location, from.href), from)
      refuseForbidden(url, isOwnHost(url, upstream.config) ? 'any' : 'public')
      // A link back to the registry may want the mirror's own token.
      return url.origin === from.origin ? undefined : url
    },
  )
}
