import { type AdminModule, createPullway, type Pullway } from '@pullway/core'
import { ConfigError, type Environment } from '@pullway/core/config'
import { createConsoleLogger } from '@pullway/node'
import { type Progress, sendAnswer } from './answer.ts'
import { type FunctionUrlEvent, toRequest } from './event.ts'
import { createPorts } from './ports.ts'
import { readConfig } from './read-config.ts'
import { refusals } from './refusal.ts'
import type { AwsLambda, StreamingHandler } from './runtime.ts'
import { finishWithin } from './work.ts'

export interface HandlerOptions {
  readonly awslambda: AwsLambda
  readonly environment: Environment
}

type Mirror = Pick<Pullway, 'fetch' | 'idle'>
type ConsoleLogger = ReturnType<typeof createConsoleLogger>

/** Bodies of a Function URL are 200 MB at most, and slow beyond their first 6 MB: larger blobs go by link. */
const maxStreamBytes = 6 * 1024 * 1024
/** An event has at most 6 MB, and a body is in it as base64. */
const maxUploadBytes = 4_400_000

/** A Function URL's handler over a mirror that is made once for each instance of the function. */
export function createHandler({ awslambda, environment }: HandlerOptions): StreamingHandler {
  const { mirror, logger } = createMirror(environment)
  return awslambda.streamifyResponse(async (event, stream, context) => {
    const exchange: Exchange = { works: [], sentListeners: [] }
    const progress: Progress = { bodyBytes: 0, isComplete: false }
    try {
      const response = await answer(mirror, event, exchange)
      await sendAnswer(response, stream, awslambda, progress)
    } catch (error) {
      logger.warn('An answer broke off', { error: String(error), bytes: progress.bodyBytes })
      throw error
    } finally {
      for (const tell of exchange.sentListeners) tell(progress.bodyBytes, progress.isComplete)
      // The instance is frozen as soon as this returns.
      await finishWithin(context.getRemainingTimeInMillis(), exchange.works, mirror, logger)
      await logger.flush()
    }
  })
}

interface Exchange {
  readonly works: Promise<unknown>[]
  readonly sentListeners: ((bodyBytes: number, isComplete: boolean) => void)[]
}

async function answer(
  mirror: Mirror,
  event: FunctionUrlEvent,
  { works, sentListeners }: Exchange,
): Promise<Response> {
  const request = toRequest(event)
  if (!request) return refusals.unreadable()
  const { sourceIp } = event.requestContext.http
  return mirror.fetch(request, {
    ...(sourceIp !== '' && { clientAddress: sourceIp }),
    waitUntil: (work) => void works.push(work),
    whenSent: (listener) => void sentListeners.push(listener),
  })
}

/** With a configuration that is wrong, a mirror that says so: what is wrong is for the log only. */
function createMirror(environment: Environment): { mirror: Mirror; logger: ConsoleLogger } {
  try {
    const config = readConfig(environment)
    const logger = createConsoleLogger(config.log)
    const ports = createPorts(config, environment, logger)
    const delivery = { prefers: 'stream', maxStreamBytes, maxUploadBytes } as const
    const loadAdmin = (): Promise<AdminModule> => import('@pullway/core/admin/plain')
    return { mirror: createPullway({ config, ports, delivery, loadAdmin }), logger }
  } catch (error) {
    const logger = createConsoleLogger({ format: 'main', level: 'info' })
    return { mirror: createUnconfigured(error, logger), logger }
  }
}

function createUnconfigured(error: unknown, logger: ConsoleLogger): Mirror {
  const mistakes = error instanceof ConfigError ? error.mistakes : [{ message: String(error) }]
  return {
    fetch: async () => {
      for (const mistake of mistakes) logger.error('The configuration is wrong', { ...mistake })
      return Promise.resolve(refusals.unconfigured())
    },
    idle: () => Promise.resolve(),
  }
}
