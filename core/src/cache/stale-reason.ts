import type { TroubleReason } from '../config/config.ts'
import { isDenied, isUnknown } from '../errors.ts'
import type { Route } from '../route.ts'
import { UpstreamTrouble } from '../upstream/trouble.ts'

/** What of `serveStaleOn` an error is; undefined where it is none of these. */
export function staleReason(
  error: unknown,
  { upstream }: Route,
): TroubleReason | 'not-found' | undefined {
  if (error instanceof UpstreamTrouble) return error.reason
  if (isUnknown(error)) return 'not-found'
  // Of a client's own account it may say that it has lost its rights.
  const isGone = isDenied(error) && upstream.clientCredentials === 'ignore'
  return isGone ? 'not-found' : undefined
}
