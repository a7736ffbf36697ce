import { checkEndpoints, type EndpointCheck } from './check.ts'
import { systemClock } from './clock.ts'
import { createNodeFetch } from './fetch.ts'
import { type ConfigFlags, readConfig } from './read-config.ts'
import type { Surroundings } from './surroundings.ts'
import { formatTable } from './table.ts'

/** Resolves to whether all is well. */
export async function check(flags: ConfigFlags, surroundings: Surroundings): Promise<boolean> {
  const { config, file } = await readConfig(flags, surroundings)
  surroundings.stdout(`${file}: no mistakes\n\n`)
  const fetch = createNodeFetch({ connectMs: config.timeouts.connectMs })
  const checks = await checkEndpoints(config, { fetch, clock: systemClock })
  await fetch.close()
  surroundings.stdout(
    formatTable([['UPSTREAM', 'ENDPOINT', 'ADDRESS', 'TIME', 'RESULT'], ...checks.map(toRow)]),
  )
  const failed = checks.filter(({ isOk }) => !isOk)
  if (failed.length === 0) return true
  surroundings.stderr(
    `pullway: ${failed.length} of ${checks.length} endpoints cannot be used: ` +
      `${failed.map(({ upstream }) => upstream).join(', ')}\n`,
  )
  return false
}

function toRow({ upstream, endpoint, address, milliseconds, result }: EndpointCheck): string[] {
  return [upstream, endpoint, address, `${Math.round(milliseconds)} ms`, result]
}
