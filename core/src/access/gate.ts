import type { Config } from '../config/config.ts'
import { RegistryError } from '../errors.ts'
import type { Lasting } from '../lasting.ts'
import type { Exchange } from '../observe/exchange.ts'
import type { Ports } from '../ports.ts'
import { splitUrl } from '../request/parse.ts'
import type { Router } from '../route.ts'
import { createAdmit } from './admit.ts'
import type { Caller } from './caller.ts'
import { toClientKey } from './client-key.ts'
import { createLimits, type Limits } from './limits.ts'
import { createLogins } from './logins.ts'
import { createPermit, type Permit, type PermitOptions } from './permit.ts'
import type { UsersFile } from './users.ts'

/** All that stands between a request and the mirror: who is let in, who asks, what he may, and how often. */
export interface Gate {
  /** Throws DENIED for networks and programs that are not let in. */
  admit(request: Request, exchange: Exchange): void
  /** Counts one request of whom the exchange knows by now, unless it is counted. Throws TOOMANYREQUESTS. */
  count(exchange: Exchange): Promise<void> | undefined
  /** Who asks. Throws UNAUTHORIZED. */
  identify(request: Request, exchange: Exchange, asked: Asked): Promise<Caller>
  token(request: Request, exchange: Exchange): Promise<Response>
  replaceUsers(file: UsersFile): void
  readonly permit: Permit
  /** Answers with a blob within the streams and the bandwidth of who asks. */
  sendBlob(
    exchange: Exchange,
    answer: Parameters<Limits['sendBlob']>[2],
  ): ReturnType<Limits['sendBlob']>
}

export interface Asked {
  /** Of a path that begins with /t/<secret>. */
  readonly secret: string | undefined
  readonly isPing: boolean
}

export interface GateOptions {
  readonly config: Config
  readonly ports: Ports
  readonly lasting: Lasting
  readonly router: Router
  readonly file: UsersFile | undefined
  readonly findMeaning: PermitOptions['findMeaning']
}

/** Names are 255 characters at most, and the cursors of tag lists and uploads are upstreams' own. */
const maxUrlLength = 8 * 1024
const tooLong = new RegistryError(
  'UNSUPPORTED',
  'this address is longer than 8 KiB: no registry has one',
  { status: 414 },
)

/** Asked by machines of the operator's own, whose addresses nobody lists. */
const healthPaths: ReadonlySet<string> = new Set(['/healthz', '/readyz'])

export function createGate(options: GateOptions): Gate {
  const { config, ports, lasting, findMeaning } = options
  const admit = createAdmit(config.access)
  const permit = createPermit({ config, findMeaning })
  const limits = createLimits(config.limits, ports, lasting)
  const logins = createLogins({ ...options, allowsScope: permit.allowsScope })

  return {
    admit({ url, headers }, { client }) {
      if (url.length > maxUrlLength) throw tooLong
      if (admit && !healthPaths.has(splitUrl(url).path)) admit(client, headers.get('user-agent'))
    },

    count,

    async identify({ headers }, exchange, { secret, isPing }) {
      const authorization = headers.get('authorization')
      const { client } = exchange
      const caller = await logins.identify({ secret, isPing, authorization, client })
      exchange.user = caller.user
      await count(exchange)
      return caller
    },

    async token(request, exchange) {
      const { response, user } = await logins.token(request, exchange.client)
      exchange.user = user
      await count(exchange)
      return response
    },

    replaceUsers: (file) => logins.replaceUsers(file),
    permit,
    sendBlob: (exchange, answer) => limits.sendBlob(keyOf(exchange), exchange.context, answer),
  }

  function count(exchange: Exchange): Promise<void> | undefined {
    if (exchange.isCounted === true) return undefined
    exchange.isCounted = true
    // Whose request it is takes some finding out, on every pull.
    return config.limits.requests ? limits.takeRequest(keyOf(exchange)) : undefined
  }
}

/** What failed before anybody was counted is a request, too: else wrong passwords could be tried at will. */
export async function countFailed(
  gate: Gate,
  exchange: Exchange,
  error: RegistryError,
): Promise<RegistryError> {
  if (exchange.kind === 'health' || error.rejection === 'network') return error
  try {
    await gate.count(exchange)
    return error
  } catch (refusal) {
    return refusal instanceof RegistryError ? refusal : error
  }
}

function keyOf({ user, client }: Exchange): string {
  return toClientKey(user, client.address)
}
