import { createPullway } from '@pullway/core'
import type { Config } from '@pullway/core/config'
import { formatCacheMetrics } from './cache-metrics.ts'
import { createConsoleLogger, type ConsoleLogger } from './logger.ts'
import { createPorts } from './ports.ts'
import { formatProcessMetrics } from './process-metrics.ts'
import { createReadiness } from './readiness.ts'
import { createHttpServer } from './server.ts'
import { keepSweeping } from './sweeping.ts'
import { readUsersFile, watchUsersFile } from './users-file.ts'

export interface StartOptions {
  /** Else one on the console, as `log` in the configuration says. */
  readonly logger?: ConsoleLogger
  /** How long running downloads may take to finish when the server stops. */
  readonly stopWithinMs?: number
}

export interface RunningServer {
  /** `http://127.0.0.1:5000`, with the port that the system chose where 0 was configured. */
  readonly url: string
  /** Reads the users' file now, where there is one. */
  reload(): Promise<void>
  /**
   * Says no to /readyz and to new connections, and lets running downloads finish. A second call with fewer
   * milliseconds shortens that. Resolves, after the log is written, to whether all was finished.
   */
  stop(withinMs?: number): Promise<boolean>
}

/** For as long as it moves, an upload may go on (core/src/push/upload-limit.ts). */
const longestUploadMs = 6 * 3600_000

export async function startServer(
  config: Config,
  options: StartOptions = {},
): Promise<RunningServer> {
  const { logger = createConsoleLogger(config.log), stopWithinMs = 30_000 } = options
  const { htpasswd } = config.access.users ?? {}
  const users = htpasswd === undefined ? undefined : await readUsersFile(htpasswd)
  const { ports, folder, sweeps, usage, close } = createPorts(config, logger)
  const { clock } = ports
  const stopping = new AbortController()
  const isStopping = (): boolean => stopping.signal.aborted

  const pullway = createPullway({
    config,
    ports,
    ...(users && { users }),
    isReady: createReadiness({ folder, clock, isStopping }),
    runtimeMetrics: () => formatProcessMetrics() + (usage ? formatCacheMetrics(usage()) : ''),
  })
  const { listen } = config
  const limits = config.push.enabled ? { requestTimeout: longestUploadMs } : {}
  const running = { pullway, listen, logger, clock, isStopping, limits }
  const server = await createHttpServer(running)
  void keepSweeping(sweeps, ports, stopping.signal)
  const watch =
    users &&
    watchUsersFile({
      first: users,
      clock,
      logger,
      signal: stopping.signal,
      onChange: (file) => pullway.replaceUsers(file),
    })
  return {
    url: server.url,
    reload: async () => watch?.reload(),
    async stop(withinMs = stopWithinMs) {
      stopping.abort()
      const isFinished = await server.stop(withinMs)
      await close()
      await logger.flush()
      return isFinished
    },
  }
}
