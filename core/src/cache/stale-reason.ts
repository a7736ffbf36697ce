import type { TroubleReason } from '../config/config.ts'
import { isUnknown, RegistryError } from '../errors.ts'
import type { Route } from '../route.ts'
import { UpstreamTrouble } from '../upstream/trouble.ts'

/** What of `serveStaleOn` an error is; undefined where it is none of these. */
export function staleReason(
  error: unknown,
  { upstream }: Route,
): TroubleReason | 'not-found' | undefined {
  if (error instanceof UpstreamTrouble) return error.reason
  if (isUnknown(error)) return 'not-found'
  // Docker Hub and others deny what does not exist (registries.md, section 0.5). A client's own account may
  // have lost its rights instead.
  const isDenied = error instanceof RegistryError && error.code === 'DENIED'
  return isDenied && upstream.clientCredentials === 'ignore' ? 'not-found' : undefined
}
