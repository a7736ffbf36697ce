import {
  type AdminModule,
  createPullway,
  type CreateHasher,
  type Delivery,
  type Fetch,
  type VerifyBcrypt,
} from '@pullway/core'
import { ConfigError } from '@pullway/core/config'
import { systemClock } from './clock.ts'
import { toRequestContext } from './context.ts'
import { createConsoleLogger, type Console } from './logger.ts'
import { createPorts } from './ports.ts'
import { readConfig } from './read-config.ts'
import { type Environment, readServices } from './services.ts'

/** What Vercel hands over beside the request; on the Node runtime it is nothing. */
export interface VercelContext {
  waitUntil?(work: Promise<unknown>): void
}

export type Handler = (request: Request, context?: VercelContext) => Promise<Response>

export interface HandlerOptions {
  /** The configuration that was bundled with the deployment; PULLWAY_CONFIG goes before it. */
  readonly document?: string
  /** Instead of the runtime's own. */
  readonly fetch?: Fetch
  /** Instead of the runtime's own. */
  readonly console?: Console
}

/** Of a function's request, 4.5 MB. */
export const maxUploadBytes = 4_500_000

/** What the two runtimes differ in. */
export interface Runtime {
  readonly delivery: Delivery
  readonly createHasher: CreateHasher
  readonly fetch: Fetch
  readonly console: Console
  /** Undefined on edge, which has no time for it. */
  readonly verifyBcrypt?: VerifyBcrypt
  readonly loadAdmin: () => Promise<AdminModule>
}

/** Throws nothing: with a wrong configuration it answers 500, and the log has what is wrong. */
export function createRuntimeHandler(
  environment: Environment,
  document: string | undefined,
  runtime: Runtime,
): Handler {
  try {
    return createMirrorHandler(environment, document, runtime)
  } catch (error) {
    return createBrokenHandler(error, runtime.console)
  }
}

function createMirrorHandler(
  environment: Environment,
  document: string | undefined,
  runtime: Runtime,
): Handler {
  const config = readConfig(environment, document)
  const services = readServices(environment, config.cache)
  const logger = createConsoleLogger({ ...config.log, console: runtime.console })
  const ports = createPorts(config, services, { ...runtime, clock: systemClock, logger })
  const { delivery, loadAdmin } = runtime
  const pullway = createPullway({ config, ports, delivery, loadAdmin })
  return (request, context) =>
    pullway.fetch(request, toRequestContext(request.headers, context, logger))
}

/** Each failed request has the reason beside it: whoever looks at one in Vercel's log sees only its own lines. */
function createBrokenHandler(error: unknown, console: Console): Handler {
  const logger = createConsoleLogger({ format: 'main', level: 'error', console })
  return (request) => {
    if (error instanceof ConfigError) {
      for (const { file, line, key, message } of error.mistakes) {
        logger.error('the configuration is wrong', { file, line, key, mistake: message })
      }
    } else {
      const stack = error instanceof Error ? error.stack : String(error)
      logger.error('the mirror cannot start', { error: stack })
    }
    return Promise.resolve(unconfigured(request.method))
  }
}

function unconfigured(method: string): Response {
  const message = 'the mirror is not configured: its log has the reason'
  const body = new TextEncoder().encode(JSON.stringify({ errors: [{ code: 'UNKNOWN', message }] }))
  return new Response(method === 'HEAD' ? null : body, {
    status: 500,
    headers: {
      'content-type': 'application/json',
      'content-length': String(body.byteLength),
      'docker-distribution-api-version': 'registry/2.0',
    },
  })
}
