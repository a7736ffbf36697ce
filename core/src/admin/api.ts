import {
  fromHono,
  type HonoOpenAPIRouterType,
  OpenAPIRoute,
  type OpenAPIRouteSchema,
} from 'chanfana'
import { type Context, Hono } from 'hono'
import { z } from 'zod'
import { splitUrl } from '../request/parse.ts'
import { quote } from '../request/reference.ts'
import { version } from '../version.ts'
import { errorsAnswer, upstreamAnswer, upstreamsAnswer } from './answers.ts'
import { type Description, renderDocs } from './docs.ts'
import { letIn, unstored } from './door.ts'
import type { Admin, AdminSources } from './module.ts'
import { toUpstreamAnswer } from './report.ts'

type Bindings = AdminSources & { readonly origin: string }
type AdminContext = Context<{ Bindings: Bindings }>

export function createAdmin(sources: AdminSources): Admin {
  const router = createRouter()
  return async (request, exchange) => {
    await letIn(request, exchange, sources)
    return router.fetch(request, { ...sources, origin: exchange.client.origin() })
  }
}

function createRouter(): HonoOpenAPIRouterType<{ Bindings: Bindings }> {
  const hono = new Hono<{ Bindings: Bindings }>({ strict: true })
  // Its own pages load scripts from elsewhere, which many who use mirrors cannot reach.
  const pages = { docs_url: null, redoc_url: null, openapi_url: null }
  const router = fromHono(hono, { ...pages, schema: about, passthroughErrors: true })
  router.registry.registerComponent('securitySchemes', 'basic', { type: 'http', scheme: 'basic' })
  router.get('/api/v1/upstreams', ListUpstreams)
  router.get('/api/v1/upstreams/:name', ShowUpstream)
  const description = (): Description => router.schema as Description
  hono.get('/api/openapi.json', () => answerJson(description()))
  hono.get('/api/docs', (c) => {
    const { query } = splitUrl(c.req.raw.url)
    return renderDocs({
      description: description(),
      origin: c.env.origin,
      acceptLanguage: c.req.raw.headers.get('accept-language'),
      language: new URLSearchParams(query).get('lang'),
    })
  })
  hono.notFound((c) => {
    const { path } = splitUrl(c.req.raw.url)
    const message = `the admin API has no ${quote(path)}: /api/docs describes what it has`
    throw c.env.refuse('UNSUPPORTED', message, { status: 404, headers: unstored })
  })
  hono.onError((error) => {
    // To the one catch, in app.ts.
    throw error
  })
  return router
}

const about = {
  info: {
    title: 'Pullway',
    version,
    summary: 'The admin API of a pull-through mirror for container registries.',
    description:
      'Tells what the process that answers knows: other processes, functions and Workers of the same mirror have seen other answers.',
    license: { name: 'MIT', identifier: 'MIT' },
  },
  // Where the description itself is.
  servers: [{ url: '/' }],
  security: [{ basic: [] }],
}

const refusals = {
  401: refusal('Nobody has logged in, or with a wrong password.'),
  403: refusal('The user is no administrator (access.admins), or is not let in from there.'),
  429: refusal('Too many wrong passwords, or more requests than limits.requests allows.'),
}

class ListUpstreams extends OpenAPIRoute<[AdminContext]> {
  override schema: OpenAPIRouteSchema = {
    operationId: 'listUpstreams',
    tags: ['upstreams'],
    summary: 'All upstreams, with their endpoints, accounts and quotas',
    responses: { 200: answer('How they fare.', upstreamsAnswer), ...refusals },
  }

  override handle(c: AdminContext): Response {
    return answerJson({ upstreams: c.env.states().map(toUpstreamAnswer) })
  }
}

class ShowUpstream extends OpenAPIRoute<[AdminContext]> {
  override schema: OpenAPIRouteSchema = {
    operationId: 'showUpstream',
    tags: ['upstreams'],
    summary: 'One upstream',
    request: {
      params: z.object({
        name: z.string().describe('The registry: docker.io, ghcr.io and so on.'),
      }),
    },
    responses: {
      200: answer('How it fares.', upstreamAnswer),
      ...refusals,
      404: refusal('No upstream has this name.'),
    },
  }

  override handle(c: AdminContext): Response {
    const name = c.req.param('name') ?? ''
    const state = c.env.states().find(({ config }) => config.name === name)
    if (state) return answerJson(toUpstreamAnswer(state))
    const message = `there is no upstream ${quote(name)}: /api/v1/upstreams lists all`
    throw c.env.refuse('NAME_UNKNOWN', message, { headers: unstored })
  }
}

type Answered = NonNullable<OpenAPIRouteSchema['responses']>[string]

function answer(description: string, schema: z.ZodType): Answered {
  return { description, content: { 'application/json': { schema } } }
}

function refusal(description: string): Answered {
  return answer(description, errorsAnswer)
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
