import { makeFolder } from '../clients/folder.ts'
import { until } from '../clients/process.ts'
import { makeImage } from '../clients/upstream/images.ts'
import type { Upstream } from '../clients/upstream/upstream.ts'
import type { Certificates } from './entrance.ts'
import { held } from './faults.ts'
import { homes } from './home.ts'
import { type Pulls, toPulls } from './pulls.ts'
import { startFaultServer } from './server.ts'
import { openSite } from './site.ts'
import type { Column } from './table.ts'

const homeColumns: readonly Column[] = ['tag', 'digest', 'blob', 'stale', 'warm']

/** A mirror of its own that has a fault, before an upstream in which all is well. */
export interface HomeWorld {
  readonly folder: string | undefined
  readonly cells: readonly Pulls[]
  spoil(): Promise<void>
  /** Called when all pulls have been sent: what happens to them then. */
  pulled(): Promise<void>
  heal(): Promise<void>
  log(): string
  stop(): Promise<void>
}

export async function openHomeWorld(
  hub: Upstream,
  certificates: Certificates,
  fault: string,
): Promise<HomeWorld> {
  const home = await homes[fault]!()
  const site = await openSite(hub, certificates)
  const folder = await makeFolder('home-config')
  const endpoint = { endpoints: [{ url: site.url }], trustedHosts: ['127.0.0.1'] }
  const start = (port?: number): ReturnType<typeof startFaultServer> =>
    startFaultServer({
      folder: folder.path,
      port,
      config: {
        upstreams: { 'registry.test': { default: true, ...endpoint } },
        cache: { ...home.config, tags: { freshFor: '0s' } },
      },
    })
  let server = await start()
  const row = Object.keys(homes).indexOf(fault)
  // Larger than what is kept in memory as well.
  const images = homeColumns.map((column, index) =>
    makeImage(`library/homes:h${row}-${index}`, [column === 'warm' ? 1_500_000 : 300_000]),
  )
  await hub.seed(...images)
  const kept = images[homeColumns.indexOf('warm')]!
  return {
    folder: home.folder,
    cells: homeColumns.map((column, index) => {
      const image = column === 'stale' ? kept : images[index]!
      return toPulls(`${server.url}/v2/${image.repository}`, column, image)
    }),
    spoil: () => (home.killsServer === true ? site.spoil(held) : home.spoil()),
    async pulled() {
      if (home.killsServer !== true) return
      await until('all that is asked upstream is held', () => site.met() === 3)
      server.signal('SIGKILL')
      await server.exited
    },
    async heal() {
      await site.heal()
      await home.heal()
      if (home.killsServer === true) server = await start(Number(new URL(server.url).port))
    },
    log: () => server.log(),
    async stop() {
      await server.stop()
      await site.stop()
      await home.stop()
      await folder.remove()
    },
  }
}
