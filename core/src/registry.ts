import { scopeOf } from './access/challenge.ts'
import type { Gate } from './access/gate.ts'
import { nobody } from './access/identify.ts'
import type { RelayDoor } from './access/relay-door.ts'
import type { Answer } from './answer.ts'
import type { Config } from './config/config.ts'
import { RegistryError } from './errors.ts'
import type { Mirror } from './mirror.ts'
import type { Exchange } from './observe/exchange.ts'
import { actionsOf, parsePush, type Push, shownTarget } from './push/parse.ts'
import { parseRegistryRequest, pullOnly, splitUrl } from './request/parse.ts'
import { quote } from './request/reference.ts'
import { respond } from './respond.ts'
import type { Router } from './route.ts'

export interface RegistryOptions {
  readonly config: Config
  readonly router: Router
  readonly mirror: Mirror
  readonly gate: Gate
  readonly door: RelayDoor
}

/** The registry API: a pull, a push, or `/v2/` itself, each past the gate before it comes to the mirror. */
export function createRegistry({
  config,
  router,
  mirror,
  gate,
  door,
}: RegistryOptions): (request: Request, exchange: Exchange) => Promise<Response> {
  return registry

  async function registry(request: Request, exchange: Exchange): Promise<Response> {
    const push = parsePush(request)
    if (push) return write(push, request, exchange)
    const asked = parseRegistryRequest(request)
    if (!asked) throw noSuchPage(request)
    if (asked.kind === 'ping') {
      exchange.kind = 'ping'
      if (asked.prefix !== undefined) exchange.upstream = router.named(asked.prefix).name
      if (!door.ping(request, asked.prefix, exchange.client))
        await gate.identify(request, exchange, { secret: asked.secret, isPing: true })
      return ping(request.method)
    }
    const { pull } = asked
    exchange.kind = pull.target.kind
    const route = router.route(pull)
    exchange.route = route
    exchange.upstream = route.upstream.name
    exchange.scope = scopeOf(pull)
    const { method, target } = pull
    const visit = { route, named: pull, actions: ['pull'], request, client: exchange.client }
    const answer = await door.visit(visit, async (asker) => {
      const caller = asker
        ? await guest(exchange)
        : await gate.identify(request, exchange, { secret: asked.secret, isPing: false })
      await gate.permit.check(caller, route, target, asker)
      const answerPull = (): Promise<Answer> =>
        mirror.pull(pull, route, {
          headers: request.headers,
          asker,
          isNamed: gate.permit.names(caller, route),
          waitUntil: (work) => {
            exchange.context.waitUntil(work)
          },
        })
      const isBlobSent = target.kind === 'blob' && method === 'GET'
      return isBlobSent ? gate.sendBlob(exchange, answerPull) : answerPull()
    })
    exchange.outcome = answer.outcome
    return respond(answer, pull.method)
  }

  /** One step of a push, where clients push with accounts of their own. */
  async function write(push: Push, request: Request, exchange: Exchange): Promise<Response> {
    const route = router.route(push)
    exchange.kind = 'push'
    exchange.route = route
    exchange.upstream = route.upstream.name
    if (!config.push.enabled || route.upstream.clientCredentials !== 'relay')
      throw pullOnly(push.method, `${route.upstream.name}/${route.repository}`)
    const { headers, body } = request
    const { client } = exchange
    const visit = { route, named: push, actions: actionsOf(push), mountFrom: push.mountFrom }
    return door.visit({ ...visit, request, client }, async (asker) => {
      await gate.permit.check(await guest(exchange), route, shownTarget(push), asker)
      return mirror.push({ push, route, asker, headers, body, origin: client.origin() })
    })
  }

  /** Who has an account at the upstream is nobody in particular here. */
  async function guest(exchange: Exchange): Promise<typeof nobody> {
    await gate.count(exchange)
    return nobody
  }
}

function ping(method: string): Response {
  const body = new TextEncoder().encode('{}')
  return new Response(method === 'HEAD' ? null : body, {
    headers: {
      'content-type': 'application/json',
      'content-length': '2',
      'docker-distribution-api-version': 'registry/2.0',
    },
  })
}

function noSuchPage(request: Request): RegistryError {
  const { path } = splitUrl(request.url)
  return new RegistryError(
    'UNSUPPORTED',
    `there is nothing at ${quote(path)}: / tells how to use this mirror`,
    { status: 404 },
  )
}
