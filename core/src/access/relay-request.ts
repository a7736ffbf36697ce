import { RegistryError } from '../errors.ts'
import { splitUrl } from '../request/parse.ts'
import { readBytes } from '../upstream/body.ts'
import type { Login } from '../upstream/relay-login.ts'
import { readBasic } from './callers.ts'
import type { RelayTokenRequest } from './relay.ts'

/** A password may be a key file of a cloud, and a token of another is not short either. */
const maxFormBytes = 64 * 1024

/** `again` is the request with its body still to be read. */
export async function readTokenRequest(
  request: Request,
): Promise<{ asked: RelayTokenRequest | undefined; again: Request }> {
  const { host, query } = splitUrl(request.url)
  const { method, headers } = request
  if (method !== 'POST') {
    const asked =
      method === 'GET' || method === 'HEAD' ? fromQuery(query, headers, host) : undefined
    return { asked, again: request }
  }
  const bytes = await readBytes(new Response(request.body), maxFormBytes)
  if (!bytes) throw new RegistryError('SIZE_INVALID', 'the form is too long', { status: 413 })
  const again = new Request(request.url, { method, headers, body: bytes })
  return { asked: fromForm(new TextDecoder().decode(bytes), host), again }
}

function fromQuery(query: string, headers: Headers, host: string): RelayTokenRequest {
  const given = new URLSearchParams(query)
  const basic = /^Basic +(\S+)$/i.exec(headers.get('authorization') ?? '')?.[1]
  const credentials = basic === undefined ? undefined : readBasic(basic)
  const wantsRefresh = given.get('offline_token') === 'true'
  return {
    host,
    service: given.get('service') ?? undefined,
    scopes: given.getAll('scope'),
    login: credentials ? { kind: 'password', credentials, wantsRefresh } : { kind: 'anonymous' },
  }
}

/** Undefined for a form that is no request for a token. */
function fromForm(text: string, host: string): RelayTokenRequest | undefined {
  const given = new URLSearchParams(text)
  const login = loginOf(given)
  if (!login) return undefined
  const service = given.get('service') ?? undefined
  return { host, service, scopes: given.getAll('scope'), login }
}

function loginOf(given: URLSearchParams): Login | undefined {
  switch (given.get('grant_type')) {
    case 'password': {
      const credentials = {
        username: given.get('username') ?? '',
        password: given.get('password') ?? '',
      }
      const wantsRefresh = given.get('access_type') === 'offline'
      if (credentials.username === '' && credentials.password === '') return { kind: 'anonymous' }
      return { kind: 'password', credentials, wantsRefresh }
    }
    case 'refresh_token':
      return { kind: 'refresh', token: given.get('refresh_token') ?? '' }
  }
  return undefined
}
