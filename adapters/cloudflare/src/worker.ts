import { createPullway, type Logger, type Pullway } from '@pullway/core'
import { type Config, ConfigError, parseConfig } from '@pullway/core/config'
import type { Environment, ExecutionContext } from './bindings.ts'
import { withLength } from './known-length.ts'
import { createConsoleLogger } from './logger.ts'
import { createPorts } from './ports.ts'

export interface WorkerOptions {
  /** The configuration's YAML, bundled with the Worker; the variable PULLWAY_CONFIG goes before it. */
  readonly config: string
  readonly environment: Environment
}

export interface Worker {
  fetch(request: Request, environment: unknown, execution: ExecutionContext): Promise<Response>
}

/**
 * Everything is made at once: reading the configuration takes tens of milliseconds, which a Worker may use at
 * its start (one second), and not in a request of the free plan (ten).
 */
export function prepareWorker({ config, environment }: WorkerOptions): Worker {
  const { pullway, logger, complain } = createIsolate(config, environment)

  return {
    async fetch(request, _, execution) {
      if (!pullway) {
        complain()
        return failed(500, 'UNKNOWN', 'the mirror is not configured: its log has the reason')
      }
      const clientAddress = request.headers.get('cf-connecting-ip') ?? undefined
      if (await isOverLimit(environment, clientAddress, logger)) return tooManyRequests()
      const answer = pullway.fetch(request, {
        ...(clientAddress === undefined ? {} : { clientAddress }),
        waitUntil: (work) => execution.waitUntil(work),
      })
      // Other requests may wait for what this one asks the upstream, also when its client has gone.
      execution.waitUntil(answer.catch(() => undefined))
      return withStatedLength(await answer)
    },
  }
}

/** A part whose upstream tells its length by Content-Range alone gets it here, without JavaScript. */
function withStatedLength(response: Response): Response {
  const length = response.headers.get('content-length')
  if (response.status !== 206 || !response.body || length === null) return response
  return new Response(withLength(response.body, Number(length)), response)
}

interface Isolate {
  /** Undefined: the configuration is wrong. */
  readonly pullway: Pullway | undefined
  readonly logger: Logger
  readonly complain: () => void
}

function createIsolate(bundled: string, environment: Environment): Isolate {
  try {
    const config = readConfig(bundled, environment)
    const logger = createConsoleLogger({ level: config.log.level })
    const ports = createPorts(config, environment, logger)
    const pullway = createPullway({
      config,
      ports,
      delivery: { prefers: 'stream', passesThrough: true },
    })
    return { pullway, logger, complain: () => undefined }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const logger = createConsoleLogger({ level: 'error' })
    const complain = (): void => {
      for (const { file, line, key, message } of error.mistakes) {
        logger.error('the configuration is wrong', { file, line, key, mistake: message })
      }
    }
    return { pullway: undefined, logger, complain }
  }
}

function readConfig(bundled: string, environment: Environment): Config {
  const bindings = Object.entries(environment).filter(([, value]) => typeof value === 'string')
  const texts = Object.fromEntries(bindings) as Record<string, string>
  const document = environment.PULLWAY_CONFIG
  return document === undefined || document === ''
    ? parseConfig(bundled, { file: 'pullway.yaml', environment: texts })
    : parseConfig(document, { file: 'PULLWAY_CONFIG', environment: texts })
}

/** A limiter that is out of order limits nobody. */
async function isOverLimit(
  { LIMIT: limiter }: Environment,
  key: string | undefined,
  logger: Logger,
): Promise<boolean> {
  if (!limiter || key === undefined) return false
  try {
    return !(await limiter.limit({ key })).success
  } catch (error) {
    logger.warn('the rate limit cannot be asked', { error: String(error) })
    return false
  }
}

/** Cloudflare's periods are 10 s and 60 s; a client that comes sooner is told the same again. */
function tooManyRequests(): Response {
  const response = failed(429, 'TOOMANYREQUESTS', 'too many requests from your address: slow down')
  response.headers.set('retry-after', '10')
  return response
}

/** An error as clients print it: OCI distribution specification, "Error codes". */
function failed(status: number, code: string, message: string): Response {
  const headers = { 'docker-distribution-api-version': 'registry/2.0' }
  return Response.json({ errors: [{ code, message }] }, { status, headers })
}
