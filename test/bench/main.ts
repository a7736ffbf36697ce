import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeContent } from './content.ts'
import { judge } from './goals.ts'
import { formatFailures, formatTable } from './report.ts'
import { runRound, type Measurement } from './rounds.ts'
import { killAllServers, loadCore, pinThisProcess } from './server.ts'
import { parseSettings, usage, type Settings } from './settings.ts'
import { missingTools } from './tools.ts'
import { startUpstream } from './upstream.ts'

const settings = readSettings()
const missing = missingTools(settings.peers)
if (missing.length > 0) fail(`missing: ${missing.join(', ')}`)

const folder = mkdtempSync(join(tmpdir(), 'pullway-bench-'))
process.once('exit', () => {
  killAllServers()
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => process.exit(130))
}

const measurements = await runAll(settings).catch((error: unknown) => fail(messageOf(error)))
const verdicts = judge(measurements)
const missed = verdicts.filter(({ reached }) => !reached).length
console.log(
  [
    `Node ${process.versions.node}, ${cpus()[0]?.model}, medians of ${settings.rounds} rounds; server CPU.`,
    '',
    formatTable(measurements, settings.peers),
    '',
    ...formatFailures(measurements),
    ...verdicts.map(({ line }) => line),
    `${verdicts.length - missed} passed, ${missed} failed`,
  ].join('\n'),
)
process.exit(settings.strict && missed > 0 ? 1 : 0)

async function runAll(settings: Settings): Promise<readonly Measurement[]> {
  pinThisProcess(loadCore)
  const content = writeContent(join(folder, 'content'), settings.sizes)
  const upstream = await startUpstream(join(folder, 'upstream'), content)
  const measurements: Measurement[] = []
  for (let round = 0; round < settings.rounds; round += 1) {
    console.error(`round ${round + 1} of ${settings.rounds}`)
    measurements.push(...(await runRound({ settings, folder, content, upstream }, round)))
  }
  await upstream.stop()
  return measurements
}

function readSettings(): Settings {
  try {
    return parseSettings(process.argv.slice(2))
  } catch (error) {
    return fail(`${messageOf(error)}\n${usage}`)
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function fail(message: string): never {
  console.error(`bench: ${message}`)
  process.exit(2)
}
