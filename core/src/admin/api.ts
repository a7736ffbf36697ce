import {
  fromHono,
  type HonoOpenAPIRouterType,
  OpenAPIRoute,
  type OpenAPIRouteSchema,
} from 'chanfana'
import { type Context, Hono } from 'hono'
import { z } from 'zod'
import type { Admin, AdminSources } from '../access/admin-door.ts'
import { RegistryError, toErrorResponse, withHeaders } from '../errors.ts'
import { splitUrl } from '../request/parse.ts'
import { quote } from '../request/reference.ts'
import { version } from '../version.ts'
import { errorsAnswer, upstreamAnswer, upstreamsAnswer } from './answers.ts'
import { type Description, renderDocs } from './docs.ts'
import { toUpstreamAnswer } from './report.ts'

type Bindings = AdminSources & { readonly origin: string }
type AdminContext = Context<{ Bindings: Bindings }>

/** The admin API. Whoever gets here is an administrator (access/admin-door.ts). */
export function createAdmin(sources: AdminSources): Admin {
  const router = createRouter()
  return async (request, origin) => router.fetch(request, { ...sources, origin })
}

const unstored = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }

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
  hono.notFound((c) => fail(noSuchPage(c.req.raw.url), c))
  hono.onError((error, c) => {
    if (error instanceof RegistryError) return fail(error, c)
    // The log of the mirror around this one has it.
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
    throw new RegistryError(
      'NAME_UNKNOWN',
      `there is no upstream ${quote(name)}: /api/v1/upstreams lists all`,
    )
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
      ...unstored,
    },
  })
}

function fail(error: RegistryError, c: AdminContext): Response {
  return toErrorResponse(withHeaders(error, unstored), c.req.raw.method === 'HEAD')
}

function noSuchPage(url: string): RegistryError {
  const { path } = splitUrl(url)
  return new RegistryError(
    'UNSUPPORTED',
    `the admin API has no ${quote(path)}: /api/docs describes what it has`,
    { status: 404 },
  )
}
