import { Hono } from 'hono'
import { scopeOf, withChallenge } from './access/challenge.ts'
import { createReadClient } from './access/client.ts'
import type { Caller } from './access/caller.ts'
import { createLogins } from './access/logins.ts'
import { createRelayDoor } from './access/relay-door.ts'
import type { UsersFile } from './access/users.ts'
import { type Delivery, streaming } from './cache/delivery.ts'
import type { Config } from './config/config.ts'
import { RegistryError, toErrorResponse } from './errors.ts'
import { createToRegistryError } from './failure.ts'
import { createMirror } from './mirror.ts'
import { createMetrics } from './observe/metrics.ts'
import { createObserve, type Exchange } from './observe/exchange.ts'
import type { Ports, RequestContext } from './ports.ts'
import { actionsOf, parsePush, type Push } from './push/parse.ts'
import { parseRegistryRequest, pullOnly, splitUrl } from './request/parse.ts'
import { quote } from './request/reference.ts'
import { respond } from './respond.ts'
import { createRouter } from './route.ts'
import { renderHome } from './web/home.ts'

export interface PullwayOptions {
  readonly config: Config
  readonly ports: Ports
  /** What the platform is good at; without it, everything streams. */
  readonly delivery?: Delivery
  /** The file of users, where the configuration names one. */
  readonly users?: UsersFile
  /** Resolves to the problems that keep the mirror from being ready. */
  readonly isReady?: () => Promise<readonly string[]>
  /** Lines in Prometheus' text format that the runtime adds to the mirror's own. */
  readonly runtimeMetrics?: () => string
}

export interface Pullway {
  fetch(request: Request, context: RequestContext): Promise<Response>
  /** Takes the file of users as it has become; a bad one is logged, and the old users stay. */
  replaceUsers(file: UsersFile): void
  /** Resolves when no download into the cache runs. */
  idle(): Promise<void>
}

/** A mirror: which path goes to which room, the one place that catches, and the log of what was answered. */
export function createPullway({
  config,
  ports,
  delivery = streaming,
  users,
  isReady,
  runtimeMetrics,
}: PullwayOptions): Pullway {
  const metrics = createMetrics()
  const mirror = createMirror(config, ports, metrics, delivery)
  const door = createRelayDoor(config, mirror.relay)
  const router = createRouter(config)
  const readClient = createReadClient(config.trustedProxies, config.publicUrl)
  const observe = createObserve(config, ports, metrics)
  const allowsScope = (): boolean => true
  const logins = createLogins({ config, ports, metrics, router, allowsScope, file: users })
  const toRegistryError = createToRegistryError(metrics, ports.logger)
  const app = new Hono<{ Bindings: Exchange }>({ strict: true })

  app.all('/v2/*', (c) => registry(c.req.raw, c.env))
  app.get('/', (c) => {
    c.env.kind = 'page'
    const { host, query } = splitUrl(c.req.raw.url)
    return renderHome({
      origin: c.env.client.origin(),
      config,
      acceptLanguage: c.req.raw.headers.get('accept-language'),
      language: new URLSearchParams(query).get('lang'),
      hosted: router.hosted(host),
    })
  })
  app.get('/healthz', (c) => {
    c.env.kind = 'health'
    return c.text('ok\n')
  })
  app.get('/readyz', async (c) => {
    c.env.kind = 'health'
    const problems = (await isReady?.()) ?? []
    return problems.length === 0 ? c.text('ready\n') : c.text(`${problems.join('\n')}\n`, 503)
  })
  app.get('/metrics', (c) => {
    c.env.kind = 'health'
    const text = metrics.render() + (runtimeMetrics?.() ?? '')
    return c.body(text, 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' })
  })
  app.get('/v1/search', async (c) => {
    const { host, query } = splitUrl(c.req.raw.url)
    const searched = router.searched(host)
    c.env.kind = 'search'
    c.env.upstream = searched?.name ?? '-'
    await identify(c.req.raw, c.env, { secret: undefined, isPing: false })
    return respond(await mirror.search(searched?.name, query), 'GET')
  })
  app.all('/token', async (c) => {
    c.env.kind = 'token'
    const relayed = await door.token(c.req.raw)
    if (relayed instanceof Response) return relayed
    const { response, user } = await logins.token(relayed, c.env.client)
    c.env.user = user
    return response
  })
  // Not a route for `*`: two routes that match cost hono a chain of handlers on every pull.
  app.notFound((c) => registry(c.req.raw, c.env))
  app.onError((error, c) => {
    const { method, headers } = c.req.raw
    const shown = toRegistryError(error, c.env, c.req.raw)
    const asked = { ...c.env, authorization: headers.get('authorization') }
    return toErrorResponse(withChallenge(shown, asked), method === 'HEAD')
  })

  return {
    async fetch(request, context) {
      const { headers } = request
      const client = readClient({
        peer: context.clientAddress,
        url: request.url,
        header: (name) => headers.get(name),
      })
      const exchange: Exchange = {
        context,
        client,
        startedAt: ports.clock.now(),
        kind: 'other',
        upstream: '-',
      }
      const response = await app.fetch(request, exchange)
      observe(request, response, exchange)
      return response
    },
    replaceUsers: (file) => {
      logins.replaceUsers(file)
    },
    idle: () => mirror.idle(),
  }

  async function identify(
    { headers }: Request,
    exchange: Exchange,
    asked: { readonly secret: string | undefined; readonly isPing: boolean },
  ): Promise<Caller> {
    const authorization = headers.get('authorization')
    const caller = await logins.identify({ ...asked, authorization, client: exchange.client })
    exchange.user = caller.user
    return caller
  }

  async function registry(request: Request, exchange: Exchange): Promise<Response> {
    const push = parsePush(request)
    if (push) return write(push, request, exchange)
    const asked = parseRegistryRequest(request)
    if (!asked) throw noSuchPage(request)
    if (asked.kind === 'ping') {
      exchange.kind = 'ping'
      if (asked.prefix !== undefined) exchange.upstream = router.named(asked.prefix).name
      if (!door.ping(request, asked.prefix, exchange.client))
        await identify(request, exchange, { secret: asked.secret, isPing: true })
      return ping(request.method)
    }
    const { pull } = asked
    exchange.kind = pull.target.kind
    const route = router.route(pull)
    exchange.route = route
    exchange.upstream = route.upstream.name
    exchange.scope = scopeOf(pull)
    const { headers } = request
    const waitUntil = (work: Promise<unknown>): void => {
      exchange.context.waitUntil(work)
    }
    const visit = { route, named: pull, actions: ['pull'], request, client: exchange.client }
    const answer = await door.visit(visit, async (asker) => {
      if (!asker) await identify(request, exchange, { secret: asked.secret, isPing: false })
      return mirror.pull(pull, route, { headers, asker, waitUntil })
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
    return door.visit({ ...visit, request, client }, (asker) =>
      mirror.push({ push, route, asker, headers, body, origin: client.origin() }),
    )
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
