import type { Context } from 'hono'
import type { HonoBase } from 'hono/hono-base'
import { splitUrl } from '../request/parse.ts'
import { quote } from '../request/reference.ts'
import { type Description, renderDocs } from './docs.ts'
import { letIn, unstored } from './door.ts'
import type { Admin, AdminSources } from './module.ts'
import { toUpstreamAnswer } from './report.ts'

export interface AdminEnvironment {
  readonly Bindings: AdminSources & { readonly origin: string }
}

export type AdminContext = Context<AdminEnvironment>

export const paths = {
  upstreams: '/api/v1/upstreams',
  upstream: '/api/v1/upstreams/:name',
} as const

export function listUpstreams(c: AdminContext): Response {
  return answerJson({ upstreams: c.env.states().map(toUpstreamAnswer) })
}

export function showUpstream(c: AdminContext): Response {
  const name = c.req.param('name') ?? ''
  const state = c.env.states().find(({ config }) => config.name === name)
  if (state) return answerJson(toUpstreamAnswer(state))
  const message = `there is no upstream ${quote(name)}: ${paths.upstreams} lists all`
  throw c.env.refuse('NAME_UNKNOWN', message, { headers: unstored })
}

/** The router behind the door, with what describes it. */
export function toAdmin(
  router: HonoBase<AdminEnvironment>,
  describe: () => Description,
  sources: AdminSources,
): Admin {
  router.get('/api/openapi.json', () => answerJson(describe()))
  router.get('/api/docs', (c) => {
    const { query } = splitUrl(c.req.raw.url)
    return renderDocs({
      description: describe(),
      origin: c.env.origin,
      acceptLanguage: c.req.raw.headers.get('accept-language'),
      language: new URLSearchParams(query).get('lang'),
    })
  })
  router.notFound((c) => {
    const { path } = splitUrl(c.req.raw.url)
    const message = `the admin API has no ${quote(path)}: /api/docs describes what it has`
    throw c.env.refuse('UNSUPPORTED', message, { status: 404, headers: unstored })
  })
  router.onError((error) => {
    // To the one catch, in app.ts.
    throw error
  })
  return async (request, exchange) => {
    await letIn(request, exchange, sources)
    return router.fetch(request, { ...sources, origin: exchange.client.origin() })
  }
}

function answerJson(value: object): Response {
  const body = new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`)
  return new Response(body, {
    headers: {
      'content-type': 'application/json',
      'content-length': String(body.byteLength),
      'x-content-type-options': 'nosniff',
      ...unstored,
    },
  })
}
