import type { Config } from '../config/config.ts'
import { RegistryError, withHeaders } from '../errors.ts'
import type { Exchange } from '../observe/exchange.ts'
import { quote } from '../request/reference.ts'
import type { UpstreamState } from '../upstream/state.ts'
import { parseAuthorization } from './credentials.ts'
import type { Gate } from './gate.ts'
import { tokenPrefix } from './passwords.ts'

/** What `@pullway/core/admin` exports. It shares no value with us: it may come in a bundle of its own. */
export interface AdminModule {
  readonly createAdmin: (sources: AdminSources) => Admin
}

/** What the admin API reads. */
export interface AdminSources {
  /** How all upstreams fare, now. */
  readonly states: () => readonly UpstreamState[]
}

/** Answers a GET or a HEAD of an administrator, who sees us at that origin. */
export type Admin = (request: Request, origin: string) => Promise<Response>

export interface AdminDoorOptions extends AdminSources {
  readonly config: Pick<Config, 'access'>
  readonly gate: Pick<Gate, 'identify'>
  /** Undefined: this platform has no room for it. */
  readonly load: (() => Promise<AdminModule>) | undefined
}

/** Lets administrators in to /api, which is loaded for the first of them: a pull has nothing to do with it. */
export function createAdminDoor({
  config,
  gate,
  states,
  load,
}: AdminDoorOptions): (request: Request, exchange: Exchange) => Promise<Response> {
  const { admins } = config.access
  let admin: Admin | undefined

  return async (request, exchange) => {
    exchange.kind = 'admin'
    try {
      if (!load) throw absent
      if (admins.length === 0) throw unconfigured
      if (request.method !== 'GET' && request.method !== 'HEAD') throw readOnly
      await logIn(request, exchange)
    } catch (error) {
      throw error instanceof RegistryError
        ? withHeaders(error, { 'cache-control': 'no-store' })
        : error
    }
    admin ??= (await load()).createAdmin({ states })
    return admin(request, exchange.client.origin())
  }

  /** By name and password: tokens lie about in clients' files and in addresses. */
  async function logIn(request: Request, exchange: Exchange): Promise<void> {
    const claim = parseAuthorization(request.headers.get('authorization'))
    if (claim.kind !== 'password' || claim.password.startsWith(tokenPrefix)) throw loggedOut
    const { user } = await gate.identify(request, exchange, { secret: undefined, isPing: true })
    if (user === undefined || !admins.includes(user)) throw notAdmin(user ?? '')
  }
}

const absent = new RegistryError(
  'UNSUPPORTED',
  'the admin API does not run on this platform: /metrics tells the state of upstreams',
  { status: 404 },
)
const unconfigured = new RegistryError(
  'DENIED',
  'the admin API is for administrators, and there are none: name one of access.users in access.admins',
)
const readOnly = new RegistryError('UNSUPPORTED', 'the admin API only tells: ask with GET', {
  headers: { allow: 'GET, HEAD' },
})
const loggedOut = new RegistryError(
  'UNAUTHORIZED',
  'log in with the name and the password of an administrator',
)

function notAdmin(user: string): RegistryError {
  return new RegistryError(
    'DENIED',
    `${quote(user)} is no administrator of this mirror: access.admins names those who are`,
  )
}
