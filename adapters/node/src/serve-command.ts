import { describeListenError } from './listen-error.ts'
import { createConsoleLogger } from './logger.ts'
import { type ConfigFlags, type ReadConfig, readConfig } from './read-config.ts'
import { runUntilSignal, watchForFaults } from './run.ts'
import { type RunningServer, startServer, type StartOptions } from './serve.ts'
import type { Surroundings } from './surroundings.ts'
import { UserError } from './user-error.ts'
import type { Config } from '@pullway/core/config'

/** Resolves when the server listens; a signal ends the process. */
export async function serve(flags: ConfigFlags, surroundings: Surroundings): Promise<void> {
  const read = (): Promise<ReadConfig> => readConfig(flags, surroundings)
  const { config, text, path } = await read()
  const logger = createConsoleLogger(config.log)
  const server = await start(config, { logger, source: { text, path, read } })
  watchForFaults(logger)
  runUntilSignal(server, logger)
  surroundings.stdout(`Pullway listens on ${server.url}\n`)
}

async function start(config: Config, options: StartOptions): Promise<RunningServer> {
  try {
    return await startServer(config, options)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error
    const message = describeListenError(error as NodeJS.ErrnoException, config.listen)
    throw new UserError(message, { cause: error })
  }
}
