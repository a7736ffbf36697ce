import { parseAuthorization } from '../access/credentials.ts'
import { tokenPrefix } from '../access/passwords.ts'
import type { Exchange } from '../observe/exchange.ts'
import { quote } from '../request/reference.ts'
import type { AdminSources } from './module.ts'

/** A 404 and a 405 may be kept by anybody who is not told otherwise. */
export const unstored: Readonly<Record<string, string>> = { 'cache-control': 'no-store' }

/** Lets administrators in who want to read; throws for all others. */
export async function letIn(
  request: Request,
  exchange: Exchange,
  { config, gate, refuse }: AdminSources,
): Promise<void> {
  const { method, headers } = request
  if (method !== 'GET' && method !== 'HEAD') {
    throw refuse('UNSUPPORTED', 'the admin API only tells: ask with GET', {
      headers: { ...unstored, allow: 'GET, HEAD' },
    })
  }
  // Tokens lie about in clients' files and in addresses.
  if (!isPassword(headers.get('authorization'))) {
    throw refuse('UNAUTHORIZED', 'log in with the name and the password of an administrator')
  }
  const { user } = await gate.identify(request, exchange, { secret: undefined, isPing: true })
  if (user === undefined || !config.access.admins.includes(user)) {
    throw refuse(
      'DENIED',
      `${quote(user ?? '')} is no administrator of this mirror: access.admins names those who are`,
      { headers: unstored },
    )
  }
}

/** What cannot be read is the gate's to refuse. */
function isPassword(authorization: string | null): boolean {
  if (authorization === null) return false
  try {
    const claim = parseAuthorization(authorization)
    return claim.kind === 'password' && !claim.password.startsWith(tokenPrefix)
  } catch {
    return true
  }
}
