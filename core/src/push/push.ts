import type { Delivery } from '../cache/delivery.ts'
import { RegistryError } from '../errors.ts'
import type { Clock, KeyValue } from '../ports.ts'
import type { Route, Router } from '../route.ts'
import type { Asker } from '../upstream/asker.ts'
import { withAuthorization } from '../upstream/authorize.ts'
import type { Hop, Send } from '../upstream/exchange.ts'
import { toTrouble } from '../upstream/trouble.ts'
import { isOwnHost } from '../upstream/trust.ts'
import { projectOf } from '../upstream/question.ts'
import { headersOf, toRefusal } from './answers.ts'
import { createLocations } from './locations.ts'
import { formatReference } from '../request/reference.ts'
import type { Push } from './parse.ts'
import { createPushedManifests, type PushedManifestsOptions } from './pushed.ts'
import { settleMs, withUploadLimit } from './upload-limit.ts'

/** One step of a push by somebody whose account at the upstream is known. */
export interface PushStep {
  readonly push: Push
  readonly route: Route
  readonly asker: Asker | undefined
  readonly headers: Headers
  readonly body: ReadableStream<Uint8Array> | null
  /** Scheme and host that the client used. */
  readonly origin: string
}

export interface PushOptions extends PushedManifestsOptions {
  readonly router: Router
  readonly sendTo: (upstream: Route['upstream']) => Send
  readonly volatile: KeyValue
  readonly delivery: Delivery
  readonly clock: Clock
  readonly idleMs: number
  /** Whether the operator's image lists let anybody mount from a repository. */
  readonly mayAsk: (route: Route) => boolean
}

/**
 * Passes one step of a push on to the first endpoint of its upstream, which alone decides about it. Blobs are
 * streamed and never kept; a redirect is not followed, for a body can be sent once.
 */
export function createPush(options: PushOptions): (step: PushStep) => Promise<Response> {
  const { sendTo, delivery, clock, idleMs } = options
  const locations = createLocations(options)
  const pushed = createPushedManifests(options)

  return async (step) => {
    const { upstream, repository } = step.route
    checkSize(step)
    try {
      const hop = await toHop(step)
      const manifest = await pushed.read(step)
      const response = await send(step, { ...hop, ...(manifest && { body: manifest }) })
      if (response.status < 200 || response.status >= 300)
        throw await toRefusal(response, upstream.name, repository)
      await response.body?.cancel().catch(() => undefined)
      const headers = headersOf(response)
      const location = await locationOf(step, response.headers.get('location'), hop.url)
      if (location !== undefined) headers['location'] = location
      await pushed.note(step, manifest)
      return answer(response.status, headers)
    } catch (error) {
      throw toTrouble(upstream.name, error)
    }
  }

  function checkSize({ headers, route }: PushStep): void {
    const { maxUploadBytes } = delivery
    const length = Number(headers.get('content-length') ?? 0)
    if (maxUploadBytes === undefined || length <= maxUploadBytes) return
    throw new RegistryError(
      'SIZE_INVALID',
      `this mirror's platform takes ${String(maxUploadBytes)} bytes at once: push in smaller chunks, through a ` +
        `mirror on a server, or to ${route.upstream.name} itself`,
      { status: 413 },
    )
  }

  async function send({ route, asker }: PushStep, hop: Hop): Promise<Response> {
    const { upstream } = route
    const isOwn = hop.url.origin === new URL(upstream.endpoints[0]?.url ?? '').origin
    const header = isOwn && asker?.rights.kind === 'caller' ? asker.rights.header : undefined
    const network = isOwnHost(hop.url, upstream) ? 'any' : 'public'
    const sent = header === undefined ? hop : withAuthorization(hop, header)
    const { body } = sent
    // Where JavaScript must not touch a body, the platform's own limits are the only ones.
    if (!(body instanceof ReadableStream) || delivery.passesThrough)
      return sendTo(upstream)(sent, network)
    return withUploadLimit({ clock, idleMs }, body, (watched, signal) =>
      sendTo(upstream)({ ...sent, body: watched }, network, signal),
    )
  }

  async function toHop({ push, route, headers, body }: PushStep): Promise<Hop> {
    const { method, target } = push
    const kept: Record<string, string> = {}
    for (const name of passedHeaders) {
      const value = headers.get(name)
      if (value !== null) kept[name] = value
    }
    const root = `${route.upstream.endpoints[0]?.url ?? ''}/${route.repository}`
    const withQuery = (path: string, query: string): URL =>
      new URL(`${root}/${path}${query === '' ? '' : `?${query}`}`)
    const rest: Omit<Hop, 'url'> = { method, headers: kept, patienceMs: settleMs }
    const length = headers.get('content-length')
    const sending = hasBody(push) && length !== '0' && body
    // Of what is no stream, the runtime says the length itself; some then refuse to say it twice.
    if (sending && length !== null) kept['content-length'] = length
    switch (target.kind) {
      case 'uploads':
        return {
          ...rest,
          url: withQuery('blobs/uploads/', mountQuery(push, route)),
          ...(sending && { body: sending }),
        }
      case 'upload':
        return {
          ...rest,
          url: await locations.toTheirs(route, target.rest, push.query),
          ...(sending && { body: sending }),
        }
      case 'manifest':
        return {
          ...rest,
          url: withQuery(`manifests/${formatReference(target.reference)}`, push.query),
        }
      case 'blob':
        return { ...rest, url: withQuery(`blobs/${target.digest}`, push.query) }
    }
  }

  /** `from` in the upstream's terms; what is elsewhere cannot be mounted, and is uploaded instead. */
  function mountQuery(push: Push, route: Route): string {
    const pairs = push.query.split('&').filter((pair) => !/^(?:mount|from)(?:=|$)/.test(pair))
    const given = new URLSearchParams(push.query)
    const source = mountSource(push)
    const mount = given.get('mount')
    if (source && mount !== null && source.upstream === route.upstream && options.mayAsk(source)) {
      const project = projectOf(route.upstream.endpoints[0]?.url ?? '')
      const from = new URLSearchParams({ mount, from: project + source.repository })
      pairs.push(from.toString())
    }
    return pairs.filter((pair) => pair !== '').join('&')
  }

  /** As the client names it, from where it names its own. */
  function mountSource({ mountFrom, ...named }: Push): Route | undefined {
    if (mountFrom === undefined) return undefined
    try {
      return options.router.route({ ...named, name: mountFrom })
    } catch (error) {
      if (error instanceof RegistryError) return undefined
      throw error
    }
  }

  async function locationOf(
    { push, route, origin }: PushStep,
    location: string | null,
    from: URL,
  ): Promise<string | undefined> {
    const { target, method } = push
    const root = `${origin}${push.prefix === undefined ? '' : `/${push.prefix}`}/v2/${push.name}`
    const digest = new URLSearchParams(push.query).get('digest')
    if (target.kind === 'manifest' && method === 'PUT')
      return `${root}/manifests/${formatReference(target.reference)}`
    if (location === null || (target.kind !== 'uploads' && target.kind !== 'upload'))
      return undefined
    if (/\/blobs\/[a-z0-9]+:[0-9a-f]+$/.test(URL.parse(location, from.href)?.pathname ?? ''))
      return `${root}/blobs/${digest ?? new URLSearchParams(push.query).get('mount') ?? ''}`
    const { rest, query } = await locations.toOurs(route, location, from)
    const namespace =
      push.namespace === undefined ? [] : [`ns=${encodeURIComponent(push.namespace)}`]
    const pairs = [...namespace, ...(query === '' ? [] : [query])]
    return `${root}/blobs/uploads/${rest}${pairs.length === 0 ? '' : `?${pairs.join('&')}`}`
  }
}

/** A POST brings a blob only where it names its digest: "Pushing a blob monolithically". */
function hasBody({ method, target, query }: Push): boolean {
  if (method === 'POST') return new URLSearchParams(query).has('digest')
  return target.kind === 'upload' && (method === 'PATCH' || method === 'PUT')
}

/** What a client says of what it sends, and of where it is in an upload. */
const passedHeaders = ['content-type', 'content-range', 'range', 'accept']

function answer(status: number, headers: Record<string, string>): Response {
  const length = status === 204 ? {} : { 'content-length': '0' }
  return new Response(null, {
    status,
    headers: { ...headers, ...length, 'docker-distribution-api-version': 'registry/2.0' },
  })
}
