import { createPullway, type Pullway } from '@pullway/core'
import { type Config, ConfigError, parseConfig } from '@pullway/core/config'
import { createAnswerEnd } from './answer-end.ts'
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
  const { pullway, countsStreams, complain } = createIsolate(config, environment)

  return {
    async fetch(request, _, execution) {
      if (!pullway) {
        complain()
        return failed(500, 'UNKNOWN', 'the mirror is not configured: its log has the reason')
      }
      const clientAddress = request.headers.get('cf-connecting-ip') ?? undefined
      const end = countsStreams ? createAnswerEnd() : undefined
      const answer = pullway.fetch(request, {
        ...(clientAddress === undefined ? {} : { clientAddress }),
        ...(end && { whenSent: end.whenSent }),
        waitUntil: (work) => execution.waitUntil(work),
      })
      // Other requests may wait for what this one asks the upstream, also when its client has gone.
      execution.waitUntil(answer.catch(() => undefined))
      const response = await answer
      return end ? end.watch(response, execution) : withStatedLength(response)
    },
  }
}

/** A part whose upstream tells its length by Content-Range alone gets it here, without JavaScript. */
function withStatedLength(response: Response): Response {
  const length = response.headers.get('content-length')
  if (response.status !== 206 || !response.body || length === null) return response
  return new Response(withLength(response.body, Number(length)), response)
}

/** Of the plans Free and Pro; Cloudflare itself refuses what is larger. */
const maxUploadBytes = 100_000_000

interface Isolate {
  /** Undefined: the configuration is wrong. */
  readonly pullway: Pullway | undefined
  /** Whether somebody wants to know when an answer has ended. */
  readonly countsStreams: boolean
  readonly complain: () => void
}

function createIsolate(bundled: string, environment: Environment): Isolate {
  try {
    const config = withBoundLimit(readConfig(bundled, environment), environment)
    const logger = createConsoleLogger({ level: config.log.level })
    const ports = createPorts(config, environment, logger)
    const pullway = createPullway({
      config,
      ports,
      loadAdmin: () => import('@pullway/core/admin/plain'),
      delivery: { prefers: 'stream', passesThrough: true, maxUploadBytes },
    })
    const countsStreams = config.limits.connections !== undefined
    return { pullway, countsStreams, complain: () => undefined }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const logger = createConsoleLogger({ level: 'error' })
    const complain = (): void => {
      for (const { file, line, key, message } of error.mistakes) {
        logger.error('the configuration is wrong', { file, line, key, mistake: message })
      }
    }
    return { pullway: undefined, countsStreams: false, complain }
  }
}

/** The binding limits by itself; what it allows is not for the document to say. */
function withBoundLimit(config: Config, { LIMIT: binding }: Environment): Config {
  if (!binding || config.limits.requests) return config
  return { ...config, limits: { ...config.limits, requests: { perSecond: 1, burst: 1 } } }
}

function readConfig(bundled: string, environment: Environment): Config {
  const bindings = Object.entries(environment).filter(([, value]) => typeof value === 'string')
  const texts = Object.fromEntries(bindings) as Record<string, string>
  const document = environment.PULLWAY_CONFIG
  return document === undefined || document === ''
    ? parseConfig(bundled, { file: 'pullway.yaml', environment: texts })
    : parseConfig(document, { file: 'PULLWAY_CONFIG', environment: texts })
}

/** An error as clients print it: OCI distribution specification, "Error codes". */
function failed(status: number, code: string, message: string): Response {
  const headers = { 'docker-distribution-api-version': 'registry/2.0' }
  return Response.json({ errors: [{ code, message }] }, { status, headers })
}
