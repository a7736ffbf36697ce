import { RegistryError } from '../errors.ts'
import type { Pull } from '../request/parse.ts'
import type { Client } from './client.ts'

/** The host by which a client sees us: what our tokens are good for. */
export function serviceOf(client: Client): string {
  return new URL(client.origin()).host
}

/** What a client needs a token for, by the name that it used itself. */
export function scopeOf(
  { prefix, name }: Pick<Pull, 'prefix' | 'name'>,
  actions: readonly string[] = ['pull'],
): string {
  return `repository:${prefix === undefined ? name : `${prefix}/${name}`}:${actions.join(',')}`
}

export interface Challenged {
  readonly client: Client
  readonly scope?: string | undefined
  readonly kind: string
  /** What the client sent. */
  readonly authorization: string | null
}

/** A 401 leaves with the one challenge that tells every client where to log in. */
export function withChallenge(error: RegistryError, challenged: Challenged): RegistryError {
  if (error.code !== 'UNAUTHORIZED' || error.headers['www-authenticate']) return error
  const { status, headers, message, detail } = error
  // Who asks for a token has read the other one; who looks at the admin API has a browser.
  const challenge = /^(?:token|admin)$/.test(challenged.kind)
    ? 'Basic realm="pullway"'
    : formatChallenge(challenged)
  return new RegistryError(error.code, message, {
    status,
    headers: { ...headers, 'www-authenticate': challenge, 'cache-control': 'no-store' },
    cause: error,
    ...(detail !== undefined && { detail }),
  })
}

/**
 * Several challenges at once break dockerd (clients.md, section 2). The realm is where the client found us:
 * it must reach it, and by TLS if it came so.
 */
function formatChallenge({ client, scope, authorization }: Challenged): string {
  const parts = [`realm="${client.origin()}/token"`, `service="${serviceOf(client)}"`]
  if (scope !== undefined) parts.push(`scope="${scope}"`)
  // RFC 6750, section 3.1: containerd then forgets the token that it has.
  if (/^bearer /i.test(authorization ?? '')) parts.push('error="invalid_token"')
  return `Bearer ${parts.join(',')}`
}
