import type { ConsoleLogger } from './logger.ts'
import type { RunningServer } from './serve.ts'

/** A terminal and npm both pass Ctrl-C on: what comes so soon is the same signal once more. */
const sameSignalMs = 500

/**
 * Until SIGTERM or SIGINT; a second signal ends it at once. Leaves the process. SIGHUP reads the configuration
 * and the users anew.
 */
export function runUntilSignal(server: RunningServer, logger: ConsoleLogger): void {
  let firstAt: number | undefined
  const stop = (signal: NodeJS.Signals): void => {
    if (firstAt === undefined) {
      firstAt = performance.now()
      logger.info('Stopping: running downloads may finish', { signal })
      void server.stop().then((isFinished) => leave(isFinished, logger))
    } else if (performance.now() - firstAt > sameSignalMs) {
      void server.stop(0)
    }
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  process.on('SIGHUP', () => void server.reload())
}

async function leave(isFinished: boolean, logger: ConsoleLogger): Promise<void> {
  if (isFinished) logger.info('Stopped')
  else logger.warn('Stopped: downloads that were still running are cut off')
  await logger.flush()
  process.exit(0)
}

/**
 * A rejection that nobody handles belongs to one pull, and the others go on. After an exception that nobody
 * caught nothing can be relied on: a supervisor starts anew.
 */
export function watchForFaults(logger: ConsoleLogger): void {
  process.on('unhandledRejection', (reason) =>
    logger.error('A rejection was not handled', { error: describe(reason) }),
  )
  process.on('uncaughtException', (error) => {
    logger.error('An exception was not caught', { error: describe(error) })
    void logger.flush().finally(() => process.exit(1))
  })
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
