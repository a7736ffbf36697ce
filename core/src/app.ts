import { Hono } from 'hono'
import { createReadClient } from './access/client.ts'
import { createRelayDoor, type Visit } from './access/relay-door.ts'
import { type Delivery, streaming } from './cache/delivery.ts'
import type { Config } from './config/config.ts'
import { type ErrorCode, RegistryError, toErrorResponse } from './errors.ts'
import { createMirror } from './mirror.ts'
import { createMetrics } from './observe/metrics.ts'
import { createObserve, type Exchange } from './observe/exchange.ts'
import type { Ports, RequestContext } from './ports.ts'
import { actionsOf, parsePush, type Push } from './push/parse.ts'
import { parseRegistryRequest, pullOnly, splitUrl } from './request/parse.ts'
import { quote } from './request/reference.ts'
import { respond } from './respond.ts'
import { createRouter } from './route.ts'
import { toClientError, UpstreamTrouble } from './upstream/trouble.ts'
import type { Asker } from './upstream/asker.ts'
import { renderHome } from './web/home.ts'

export interface PullwayOptions {
  readonly config: Config
  readonly ports: Ports
  /** What the platform is good at; without it, everything streams. */
  readonly delivery?: Delivery
  /** Resolves to the problems that keep the mirror from being ready. */
  readonly isReady?: () => Promise<readonly string[]>
  /** Lines in Prometheus' text format that the runtime adds to the mirror's own. */
  readonly runtimeMetrics?: () => string
}

export interface Pullway {
  fetch(request: Request, context: RequestContext): Promise<Response>
  /** Resolves when no download into the cache runs. */
  idle(): Promise<void>
}

/** A mirror: which path goes to which room, the one place that catches, and the log of what was answered. */
export function createPullway({
  config,
  ports,
  delivery = streaming,
  isReady,
  runtimeMetrics,
}: PullwayOptions): Pullway {
  const metrics = createMetrics()
  const mirror = createMirror(config, ports, metrics, delivery)
  const door = createRelayDoor(config, mirror.relay)
  const router = createRouter(config)
  const readClient = createReadClient(config.trustedProxies, config.publicUrl)
  const observe = createObserve(config, ports, metrics)
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
    return respond(await mirror.search(searched?.name, query), 'GET')
  })
  app.all('/token', async (c) => {
    const answer = await door.token(c.req.raw)
    return answer instanceof Response ? answer : anonymousToken(answer.method)
  })
  // Not a route for `*`: two routes that match cost hono a chain of handlers on every pull.
  app.notFound((c) => registry(c.req.raw, c.env))
  app.onError((error, c) =>
    toErrorResponse(toRegistryError(error, c.env, c.req.raw), c.req.raw.method === 'HEAD'),
  )

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
    idle: () => mirror.idle(),
  }

  async function registry(request: Request, exchange: Exchange): Promise<Response> {
    const push = parsePush(request)
    if (push) return write(push, request, exchange)
    const asked = parseRegistryRequest(request)
    if (!asked) throw noSuchPage(request)
    if (asked.kind === 'ping') {
      exchange.kind = 'ping'
      if (asked.prefix !== undefined) exchange.upstream = router.named(asked.prefix).name
      door.ping(request, asked.prefix, exchange.client)
      return ping(request.method)
    }
    const { pull } = asked
    exchange.kind = pull.target.kind
    const route = router.route(pull)
    exchange.route = route
    exchange.upstream = route.upstream.name
    const { headers } = request
    const answer = await atDoor(
      { route, named: pull, actions: ['pull'], request, client: exchange.client },
      (asker) =>
        mirror.pull(pull, route, {
          headers,
          asker,
          waitUntil: (work) => {
            exchange.context.waitUntil(work)
          },
        }),
    )
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
    const visiting = { route, named: push, actions: actionsOf(push), mountFrom: push.mountFrom }
    return atDoor({ ...visiting, request, client }, (asker) =>
      mirror.push({ push, route, asker, headers, body, origin: client.origin() }),
    )
  }

  async function atDoor<T>(
    { request, ...visiting }: Omit<Visit, 'authorization'> & { readonly request: Request },
    work: (asker: Asker | undefined) => Promise<T>,
  ): Promise<T> {
    const visit = { ...visiting, authorization: request.headers.get('authorization') }
    const asker = await door.admit(visit)
    return work(asker).catch((error: unknown) => {
      throw door.challenged(error, visit)
    })
  }

  /** What went wrong, as the client may know it; everything else goes to the log. */
  function toRegistryError(error: unknown, exchange: Exchange, request: Request): RegistryError {
    if (error instanceof RegistryError) {
      const isOurs = exchange.upstream === '-' || ownRefusals.has(error.code)
      if (isOurs) metrics.rejected.add(1, error.code.toLowerCase())
      return error
    }
    if (error instanceof UpstreamTrouble) {
      return toClientError(error, {
        isBlob: exchange.kind === 'blob',
        hasFallback: exchange.route?.via !== 'prefix',
        retriesBlobsFor75s: request.headers.get('user-agent')?.startsWith('docker/') === true,
      })
    }
    const stack = error instanceof Error ? error.stack : String(error)
    ports.logger.error('a request failed', {
      kind: exchange.kind,
      upstream: exchange.upstream,
      error: stack,
    })
    return new RegistryError('UNKNOWN', 'the mirror failed: its log has the reason')
  }
}

/** Codes that say something of the request, not of what the upstream has. */
const ownRefusals: ReadonlySet<ErrorCode> = new Set([
  'DIGEST_INVALID',
  'NAME_INVALID',
  'RANGE_INVALID',
  'TAG_INVALID',
  'UNSUPPORTED',
])

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

/** Nobody has to log in here; a client that asks all the same gets a token that says nothing. */
function anonymousToken(method: string): Response {
  if (method !== 'GET' && method !== 'HEAD') {
    throw new RegistryError('UNSUPPORTED', 'this mirror has no users: pull without a login', {
      headers: { allow: 'GET, HEAD' },
    })
  }
  return Response.json({ token: 'anonymous', access_token: 'anonymous', expires_in: 300 })
}

function noSuchPage(request: Request): RegistryError {
  const { path } = splitUrl(request.url)
  return new RegistryError(
    'UNSUPPORTED',
    `there is nothing at ${quote(path)}: / tells how to use this mirror`,
    { status: 404 },
  )
}
