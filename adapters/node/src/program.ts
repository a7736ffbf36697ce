import { version } from '@pullway/core'
import { ConfigError } from '@pullway/core/config'
import { Command, CommanderError } from 'commander'
import { addCacheCommands } from './cache-program.ts'
import { check } from './check-command.ts'
import type { ConfigFlags } from './read-config.ts'
import { serve } from './serve-command.ts'
import type { Surroundings } from './surroundings.ts'
import { addUserCommands } from './user-commands.ts'

/** Runs one command; resolves to the exit code, or to undefined when a server has been started. */
export async function runProgram(
  args: readonly string[],
  surroundings: Surroundings,
): Promise<number | undefined> {
  let code: number | undefined
  const program = createProgram(surroundings, (result) => (code = result))
  try {
    await program.parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    // Commander has written its own message.
    if (error instanceof CommanderError) return error.exitCode
    surroundings.stderr(`${describe(error)}\n`)
    return 1
  }
}

const configFlag = [
  '-c, --config <file>',
  'the configuration (else $PULLWAY_CONFIG, which is a document itself, else ./pullway.yaml)',
] as const

function createProgram(
  surroundings: Surroundings,
  finish: (code: number | undefined) => void,
): Command {
  const program = new Command('pullway')
    .description('A pull-through mirror for container registries')
    .version(version)
    .exitOverride()
    .configureOutput({ writeOut: surroundings.stdout, writeErr: surroundings.stderr })
  program
    .command('serve')
    .description('serve until SIGTERM or SIGINT; a second signal ends running downloads')
    .option(...configFlag)
    .option('-l, --listen <host:port>', 'where to listen, before $PULLWAY_LISTEN and $PORT')
    .action((flags: ConfigFlags) => serve(flags, surroundings))
  program
    .command('check')
    .description('check the configuration, and reach each upstream')
    .option(...configFlag)
    .action(async (flags: ConfigFlags) => finish((await check(flags, surroundings)) ? 0 : 1))
  addUserCommands(program.command('user'), surroundings)
  addCacheCommands(program, configFlag, surroundings, finish)
  return program
}

/** One line for each thing that is wrong. */
function describe(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  // Mistakes begin with file and line, so that an editor can jump there.
  return error instanceof ConfigError ? message : `pullway: ${message}`
}
