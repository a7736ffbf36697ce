import { RegistryError } from '../errors.ts'

/** Nobody has to log in here; a client that asks all the same gets a token that says nothing. */
export function anonymousToken(method: string): Response {
  if (method !== 'GET' && method !== 'HEAD') {
    throw new RegistryError('UNSUPPORTED', 'this mirror has no users: pull without a login', {
      headers: { allow: 'GET, HEAD' },
    })
  }
  return Response.json({ token: 'anonymous', access_token: 'anonymous', expires_in: 300 })
}
