import { compare } from 'bcryptjs'
import { createFetch } from './fetch.ts'
import {
  createRuntimeHandler,
  type Handler,
  type HandlerOptions,
  maxUploadBytes,
} from './handler.ts'
import { createHasher } from './node-hasher.ts'
import type { Environment } from './services.ts'

export type { Handler, HandlerOptions, VercelContext } from './handler.ts'
export type { Environment } from './services.ts'

/** For Vercel's Node runtime, which streams answers of any size. */
export function createHandler(environment: Environment, options: HandlerOptions = {}): Handler {
  return createRuntimeHandler(environment, options.document, {
    delivery: { prefers: 'stream', maxUploadBytes },
    createHasher,
    loadAdmin: () => import('@pullway/core/admin/plain'),
    verifyBcrypt: (password, hash) => compare(password, hash),
    fetch: options.fetch ?? createFetch((request, init) => fetch(request, init)),
    console: options.console ?? console,
  })
}
