import { RegistryError } from '../errors.ts'
import type { Client } from './client.ts'

/** The host by which a client sees us: what our tokens are good for. */
export function serviceOf(client: Client): string {
  return new URL(client.origin()).host
}

/**
 * The one challenge that tells every client where to log in (clients.md, section 2: several at once break
 * dockerd). The realm is where the client found us: it must reach it, and by TLS if it came so.
 */
export function formatChallenge(
  client: Client,
  { scope, error }: { readonly scope?: string | undefined; readonly error?: string | undefined },
): string {
  const parts = [`realm="${client.origin()}/token"`, `service="${serviceOf(client)}"`]
  // Names of repositories are not parsed yet where a login is asked for.
  if (scope !== undefined && /^[\w:./*,@-]{1,400}$/.test(scope)) parts.push(`scope="${scope}"`)
  if (error !== undefined) parts.push(`error="${error}"`)
  return `Bearer ${parts.join(',')}`
}

/** A 401 leaves with our challenge, wherever it was thrown. */
export function withChallenge(error: RegistryError, challenge: string): RegistryError {
  const headers = { ...error.headers, 'www-authenticate': challenge }
  return new RegistryError(error.code, error.message, {
    status: error.status,
    headers,
    cause: error,
    ...(error.detail !== undefined && { detail: error.detail }),
  })
}
