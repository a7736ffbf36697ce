/**
 * node .ci/setup.mjs [-- command arguments...]
 *
 * Installs and builds what is missing, then runs the command with the Node and the tools of node_modules first
 * on PATH. It has no dependencies and runs on Node 20, because it comes before everything else. The command is
 * started from here, not by the shell after a `&&`: a shell remembers where it found the first `node`.
 */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const environment = {
  ...process.env,
  PATH: [join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter),
  DO_NOT_TRACK: '1',
  TURBO_TELEMETRY_DISABLED: '1',
}

let running
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    // A terminal has already given Ctrl-C to every process in the foreground; a second one could mean "at once".
    if (signal !== 'SIGINT' || !process.stdin.isTTY) running?.kill(signal)
  })
}

await setUp()
const [separator, command, ...argumentsOfCommand] = process.argv.slice(2)
if (separator === '--') exitLike(await run(command, argumentsOfCommand, 'inherit'))

async function setUp() {
  if (!isInstalled()) {
    console.error('pullway: installing dependencies, this happens once...')
    // --include=dev: the build tools are needed under NODE_ENV=production too.
    // --loglevel=error: packages that ask for a newer Node than this one run on the Node that comes with them.
    await succeed('npm', 'ci', '--include=dev', '--loglevel=error', '--no-audit', '--no-fund')
  }
  await succeed('turbo', 'run', 'build', '--output-logs=errors-only')
  if (!exists('node_modules/.bin/pullway')) {
    // npm links no command whose file is not there yet, and `npx pullway` would then ask the registry for one.
    await succeed('npm', 'rebuild', '--ignore-scripts', '--loglevel=error', '@pullway/node')
  }
}

/** Quiet unless it fails. */
async function succeed(name, ...parameters) {
  const result = await run(name, parameters, ['ignore', 'pipe', 'pipe'])
  if (result.code === 0) return
  process.stderr.write(result.output)
  if (result.signal === null) console.error(`pullway: ${name} ${parameters[0]} failed`)
  exitLike(result)
}

/** npm writes the inner lockfile last, so an interrupted installation does not count. */
function isInstalled() {
  if (!exists('node_modules/.bin/node') || !exists('node_modules/.package-lock.json')) return false
  const installed = readPackages('node_modules/.package-lock.json')
  return Object.entries(readPackages('package-lock.json')).every(
    ([path, { version, optional }]) =>
      path === '' || optional || (path in installed && installed[path].version === version),
  )
}

function exists(file) {
  return existsSync(join(root, file))
}

function readPackages(file) {
  return JSON.parse(readFileSync(join(root, file), 'utf8')).packages
}

/** Runs a command to its end; signals sent to this process reach it. */
function run(name, parameters, stdio) {
  return new Promise((resolve) => {
    running = spawn(name, parameters, { cwd: root, env: environment, stdio })
    const output = []
    running.stdout?.on('data', (chunk) => output.push(chunk))
    running.stderr?.on('data', (chunk) => output.push(chunk))
    running.on('error', (error) => console.error(`pullway: ${error.message}`))
    running.on('close', (code, signal) => resolve({ code, signal, output: Buffer.concat(output) }))
  })
}

function exitLike({ code, signal }) {
  process.exit(signal === null ? code : 128 + constants.signals[signal])
}
