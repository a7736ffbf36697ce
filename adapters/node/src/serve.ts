import { createPullway } from '@pullway/core'
import type { Config } from '@pullway/core/config'
import { formatCacheMetrics } from './cache-metrics.ts'
import { createConsoleLogger, type ConsoleLogger } from './logger.ts'
import { createPorts } from './ports.ts'
import { formatProcessMetrics } from './process-metrics.ts'
import { createReadiness } from './readiness.ts'
import { type ConfigSource, createReload } from './reload.ts'
import { createHttpServer } from './server.ts'
import { keepSweeping } from './sweeping.ts'
import { readUsersFile } from './users-file.ts'

export interface StartOptions {
  /** Else one on the console, as `log` in the configuration says. */
  readonly logger?: ConsoleLogger
  /** Where the configuration came from, if it is to be read again when it changes. */
  readonly source?: ConfigSource
}

export interface RunningServer {
  /** `http://127.0.0.1:5000`, with the port that the system chose where 0 was configured. */
  readonly url: string
  /** Reads the configuration and the users' file now. */
  reload(): Promise<void>
  /**
   * Says no to /readyz, answers on for `shutdown.drain`, then refuses new connections and lets running
   * downloads finish within `shutdown.finish`. With milliseconds, at once and within these; also as a second
   * call. Resolves, after the log is written, to whether all was finished.
   */
  stop(withinMs?: number): Promise<boolean>
}

/** For as long as it moves, an upload may go on (core/src/push/upload-limit.ts). */
const longestUploadMs = 6 * 3600_000

export async function startServer(
  config: Config,
  { logger = createConsoleLogger(config.log), source }: StartOptions = {},
): Promise<RunningServer> {
  const { htpasswd } = config.access.users ?? {}
  const users = htpasswd === undefined ? undefined : await readUsersFile(htpasswd)
  const { ports, folder, sweeps, usage, close } = createPorts(config, logger)
  const { clock } = ports
  const stopping = new AbortController()
  const { signal } = stopping
  const isStopping = (): boolean => signal.aborted

  const pullway = createPullway({
    config,
    ports,
    users,
    loadAdmin: () => import('@pullway/core/admin'),
    isReady: createReadiness({ folder, clock, isStopping }),
    runtimeMetrics: () => formatProcessMetrics() + (usage ? formatCacheMetrics(usage()) : ''),
  })
  const { listen } = config
  const limits = config.push.enabled ? { requestTimeout: longestUploadMs } : {}
  const running = { pullway, listen, logger, clock, isStopping, limits }
  const server = await createHttpServer(running)
  void keepSweeping(sweeps, ports, signal)
  const reload = createReload({ config, users, source, pullway, logger, clock, signal })
  const hurry = new AbortController()
  let drained: Promise<void> | undefined

  return {
    url: server.url,
    reload: () => reload.now(),
    async stop(withinMs) {
      stopping.abort()
      const { drainMs, finishMs } = reload.config().shutdown
      if (withinMs !== undefined) hurry.abort()
      drained ??= clock.sleep(drainMs, hurry.signal)
      await drained
      const isFinished = await server.stop(withinMs ?? finishMs)
      await close()
      await logger.flush()
      return isFinished
    },
  }
}
