/**
 * The same API for what is deployed as a bundle, where a module costs time before anybody asks for it: Workers
 * compile all that they consist of at their start. Its description is not made, but was, when this was built.
 */
import { HonoBase } from 'hono/hono-base'
import { RegExpRouter } from 'hono/router/reg-exp-router'
import type { Description } from './docs.ts'
import { type AdminEnvironment, listUpstreams, paths, showUpstream, toAdmin } from './handlers.ts'
import type { Admin, AdminSources } from './module.ts'

/** Put in by core/tsup.config.ts. */
declare const PULLWAY_ADMIN_DESCRIPTION: Description

export function createAdmin(sources: AdminSources): Admin {
  const router = new HonoBase<AdminEnvironment>({ router: new RegExpRouter() })
  router.get(paths.upstreams, listUpstreams)
  router.get(paths.upstream, showUpstream)
  return toAdmin(router, () => PULLWAY_ADMIN_DESCRIPTION, sources)
}
