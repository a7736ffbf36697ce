import type { Config } from '@pullway/core/config'
import { checkEndpoints, type EndpointCheck } from './check.ts'
import { systemClock } from './clock.ts'
import { createNodeFetch } from './fetch.ts'
import { type ConfigFlags, readConfig } from './read-config.ts'
import { readUserEntries } from './read-users.ts'
import type { Surroundings } from './surroundings.ts'
import { formatTable } from './table.ts'

/** Resolves to whether all is well. */
export async function check(flags: ConfigFlags, surroundings: Surroundings): Promise<boolean> {
  const { config, file } = await readConfig(flags, surroundings)
  surroundings.stdout(`${file}: no mistakes\n\n`)
  await checkUsers(config, surroundings)
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

/** Throws what a server would not start with. */
async function checkUsers(config: Config, { folder, stdout }: Surroundings): Promise<void> {
  const { htpasswd } = config.access.users ?? {}
  if (htpasswd === undefined) return
  const entries = await readUserEntries(folder, htpasswd)
  stdout(`${htpasswd}: ${entries.length} users, no mistakes\n\n`)
}

function toRow({ upstream, endpoint, address, milliseconds, result }: EndpointCheck): string[] {
  return [upstream, endpoint, address, `${Math.round(milliseconds)} ms`, result]
}
