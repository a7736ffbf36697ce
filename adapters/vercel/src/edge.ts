import { createFetch } from './fetch.ts'
import {
  createRuntimeHandler,
  type Handler,
  type HandlerOptions,
  maxUploadBytes,
} from './handler.ts'
import { createHasher } from './hasher.ts'
import type { Environment } from './services.ts'

export type { Handler, HandlerOptions, VercelContext } from './handler.ts'
export type { Environment } from './services.ts'

/** For Vercel's edge runtime: JavaScript that touched a layer's bytes would use up its memory and its time. */
export function createHandler(environment: Environment, options: HandlerOptions = {}): Handler {
  return createRuntimeHandler(environment, options.document, {
    delivery: { prefers: 'stream', passesThrough: true, maxUploadBytes },
    createHasher,
    loadAdmin: () => import('@pullway/core/admin/plain'),
    fetch: options.fetch ?? createFetch((request, init) => fetch(request, init)),
    console: options.console ?? console,
  })
}
