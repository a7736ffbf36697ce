import { HonoBase } from 'hono/hono-base'
import { RegExpRouter } from 'hono/router/reg-exp-router'
import { withChallenge } from './access/challenge.ts'
import { createReadClient } from './access/client.ts'
import { countFailed, createGate } from './access/gate.ts'
import { nobody } from './access/identify.ts'
import { createRelayDoor } from './access/relay-door.ts'
import type { UsersFile } from './access/users.ts'
import type { Admin, AdminModule } from './admin/module.ts'
import { type Delivery, streaming } from './cache/delivery.ts'
import type { Config } from './config/config.ts'
import { RegistryError, toErrorResponse } from './errors.ts'
import { createToRegistryError } from './failure.ts'
import type { Lasting } from './lasting.ts'
import { createMirror } from './mirror.ts'
import { createObserve, type Exchange } from './observe/exchange.ts'
import type { Ports } from './ports.ts'
import type { Pullway } from './pullway.ts'
import { isBelowV2, isRegistryPath, splitUrl } from './request/parse.ts'
import { createRegistry } from './registry.ts'
import { respond } from './respond.ts'
import { createRouter, type Route } from './route.ts'
import { renderHome } from './web/home.ts'

export interface PullwayOptions {
  readonly config: Config
  readonly ports: Ports
  /** What the platform is good at; without it, everything streams. */
  readonly delivery?: Delivery
  /** The file of users, where the configuration names one. */
  readonly users?: UsersFile | undefined
  /** Resolves to the problems that keep the mirror from being ready. */
  readonly isReady?: () => Promise<readonly string[]>
  /** Lines in Prometheus' text format that the runtime adds to the mirror's own. */
  readonly runtimeMetrics?: () => string
  /** Loads `@pullway/core/admin`, when somebody first asks for it. */
  readonly loadAdmin?: () => Promise<AdminModule>
}

/** A configuration at work: which path goes to which room, the one place that catches, and the log of what was answered. */
export function createApp(
  {
    config,
    ports,
    delivery = streaming,
    users,
    isReady,
    runtimeMetrics,
    loadAdmin,
  }: PullwayOptions,
  lasting: Lasting,
): Omit<Pullway, 'replace'> {
  const { metrics } = lasting
  const mayAsk = ({ upstream, repository }: Route): boolean =>
    gate.permit.allowsScope(nobody, upstream, repository)
  const mirror = createMirror({ config, ports, lasting, delivery, mayAsk })
  const door = createRelayDoor(config, mirror.relay, lasting.relayGuesses)
  const router = createRouter(config)
  const readClient = createReadClient(config.trustedProxies, config.publicUrl)
  const observe = createObserve(config, ports, metrics)
  const { findMeaning } = mirror
  const gate = createGate({ config, ports, lasting, router, file: users, findMeaning })
  const registry = createRegistry({ config, router, mirror, gate, door })
  let admin: Admin | undefined
  const toRegistryError = createToRegistryError(metrics, ports.logger)
  // Of hono's routers the quickest alone; its smaller ones do not mind a slash at the end of a path.
  const app = new HonoBase<{ Bindings: Exchange }>({ strict: true, router: new RegExpRouter() })

  app.get('/', async (c) => {
    c.env.kind = 'page'
    await gate.count(c.env)
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
    const caller = await gate.identify(c.req.raw, c.env, { secret: undefined, isPing: false })
    const isShown: Parameters<typeof mirror.search>[2] = (upstream, repository) =>
      gate.permit.allowsScope(caller, upstream, repository)
    return respond(await mirror.search(searched?.name, query, isShown), 'GET')
  })
  app.all('/token', async (c) => {
    c.env.kind = 'token'
    const relayed = await door.token(c.req.raw, c.env.client, async () => {
      await gate.count(c.env)
    })
    return relayed instanceof Response ? relayed : gate.token(relayed, c.env)
  })
  // `api` may be a registry's alias.
  app.all('/api/*', (c) => (isRegistryPath(c.req.raw) ? registry : administrate)(c.req.raw, c.env))
  // `/v2` itself, and pulls with a prefix before it.
  app.notFound((c) => registry(c.req.raw, c.env))
  app.onError((error, c) => fail(error, c.req.raw, c.env))

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
      const response = await answer(request, exchange)
      observe(request, response, exchange)
      return response
    },
    replaceUsers: (file) => {
      gate.replaceUsers(file)
    },
    idle: () => mirror.idle(),
  }

  /** The API that is loaded for who first asks for it: a pull has nothing to do with it. */
  async function administrate(request: Request, exchange: Exchange): Promise<Response> {
    exchange.kind = 'admin'
    const headers = { 'cache-control': 'no-store' }
    if (!loadAdmin)
      throw new RegistryError('UNSUPPORTED', 'this platform has no admin API', {
        status: 404,
        headers,
      })
    if (config.access.admins.length === 0)
      throw new RegistryError('DENIED', 'the admin API is for access.admins: name a user there', {
        headers,
      })
    admin ??= (await loadAdmin()).createAdmin({
      config,
      gate,
      states: () => mirror.states(),
      refuse: (...words) => new RegistryError(...words),
    })
    return admin(request, exchange)
  }

  async function answer(request: Request, exchange: Exchange): Promise<Response> {
    try {
      gate.admit(request, exchange)
      // Most requests by far: hono would make a context for each, a tenth of what a kept manifest takes.
      if (isBelowV2(request)) return await registry(request, exchange)
    } catch (error) {
      return fail(error, request, exchange)
    }
    return app.fetch(request, exchange)
  }

  async function fail(error: unknown, request: Request, exchange: Exchange): Promise<Response> {
    const { method, headers } = request
    const failed = await countFailed(gate, exchange, toRegistryError(error, exchange, request))
    const asked = { ...exchange, authorization: headers.get('authorization') }
    return toErrorResponse(withChallenge(failed, asked), method === 'HEAD')
  }
}
