import {
  fromHono,
  type HonoOpenAPIRouterType,
  OpenAPIRoute,
  type OpenAPIRouteSchema,
} from 'chanfana'
import { Hono } from 'hono'
import { z } from 'zod'
import { version } from '../version.ts'
import { errorsAnswer, upstreamAnswer, upstreamsAnswer } from './answers.ts'
import type { Description } from './docs.ts'
import {
  type AdminContext,
  type AdminEnvironment,
  listUpstreams,
  paths,
  showUpstream,
  toAdmin,
} from './handlers.ts'
import type { Admin, AdminSources } from './module.ts'

export function createAdmin(sources: AdminSources): Admin {
  const hono = new Hono<AdminEnvironment>()
  const router = addRoutes(hono)
  return toAdmin(hono, () => router.schema as Description, sources)
}

/** The OpenAPI document. */
export function describe(): Description {
  return addRoutes(new Hono<AdminEnvironment>()).schema as Description
}

function addRoutes(hono: Hono<AdminEnvironment>): HonoOpenAPIRouterType<AdminEnvironment> {
  // Its own pages load scripts from elsewhere, which many who use mirrors cannot reach.
  const pages = { docs_url: null, redoc_url: null, openapi_url: null }
  const router = fromHono(hono, { ...pages, schema: about, passthroughErrors: true })
  router.registry.registerComponent('securitySchemes', 'basic', { type: 'http', scheme: 'basic' })
  router.get(paths.upstreams, ListUpstreams)
  router.get(paths.upstream, ShowUpstream)
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
    return listUpstreams(c)
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
    return showUpstream(c)
  }
}

type Answered = NonNullable<OpenAPIRouteSchema['responses']>[string]

function answer(description: string, schema: z.ZodType): Answered {
  return { description, content: { 'application/json': { schema } } }
}

function refusal(description: string): Answered {
  return answer(description, errorsAnswer)
}
