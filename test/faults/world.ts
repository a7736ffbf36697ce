import { join } from 'node:path'
import { makeFolder } from '../clients/folder.ts'
import { type Image, makeImage } from '../clients/upstream/images.ts'
import { startUpstream, type Upstream } from '../clients/upstream/upstream.ts'
import { type Certificates, makeCertificates } from './entrance.ts'
import { faults } from './faults.ts'
import { createHosts } from './hosts.ts'
import { type Pulls, toPulls } from './pulls.ts'
import { type Server, startFaultServer } from './server.ts'
import { openPlot, type Plot, toUpstreams } from './plot.ts'
import type { Site } from './site.ts'
import { type Column, columns } from './table.ts'

/** A pull of an image of its own, from an upstream of its own. */
export interface Cell extends Pulls {
  readonly site: Site
  /** A token for the repository gets into the mirror's memory, and nothing else. */
  getToken(): Promise<void>
}

/** The mirror in front of an upstream for each cell of the matrix. */
export interface World {
  readonly hub: Upstream
  readonly certificates: Certificates
  readonly cache: string
  readonly server: Server
  /** The cells of a fault, with their images pushed. */
  open(fault: string): Promise<readonly Cell[]>
  stop(): Promise<void>
}

const repository = 'library/faults'

/** Columns that share an image; each of the others has one of its own. */
const ofKept: readonly Column[] = ['stale', 'warm']
const places = ['tag', 'digest', 'blob', 'kept', 'tag, 2', 'digest, 2', 'blob, 2'] as const
type Place = (typeof places)[number]

export async function startWorld(): Promise<World> {
  const folder = await makeFolder('faults')
  const hub = await startUpstream()
  const certificates = await makeCertificates(folder.path)
  const hosts = await createHosts(folder.path, 'inside.test')
  const cache = join(folder.path, 'cache')
  const plots = new Map<string, Plot>()
  for (const [row, [fault, about]] of Object.entries(faults).entries()) {
    const opened = await Promise.all(
      places.map((_, index) => openPlot(hub, certificates, hosts, about, `f${row}-${index}.test`)),
    )
    opened.forEach((plot, index) => plots.set(`${fault}/${places[index]}`, plot))
  }
  const upstreams = toUpstreams(
    hub,
    [...plots].map(([key, plot]) => ({ ...plot, hasSecond: key.endsWith(', 2') })),
  )
  const server = await startFaultServer({
    folder: folder.path,
    hosts,
    env: { NODE_EXTRA_CA_CERTS: certificates.trustedFile },
    config: {
      upstreams,
      // So short that silence is cheap to test.
      timeouts: { connect: '2s', firstByte: '2s', idle: '1500ms', answer: '6s' },
      cache: { blobs: { path: cache }, tags: { freshFor: '0s' } },
    },
  })

  return {
    hub,
    certificates,
    cache,
    server,
    async open(fault) {
      const row = Object.keys(faults).indexOf(fault)
      const images = places.map((place, index) =>
        makeImage(`${repository}:f${row}-${index}`, [place.startsWith('blob') ? 300_000 : 30_000]),
      )
      await hub.seed(...images)
      return columns.map((column) => {
        const place: Place = ofKept.includes(column) ? 'kept' : (column as Place)
        const image = images[places.indexOf(place)]!
        return toCell(server, column, image, plots.get(`${fault}/${place}`)!)
      })
    },
    stop: async () => {
      await server.stop()
      await Promise.all([...plots.values()].map(({ site }) => site.stop()))
      await hub.stop()
      await folder.remove()
    },
  }
}

function toCell({ url }: Server, column: Column, image: Image, { name, site }: Plot): Cell {
  const base = `${url}/v2/${name}/${image.repository}`
  return {
    ...toPulls(base, column, image),
    site,
    async getToken() {
      await (await fetch(`${base}/tags/list`)).arrayBuffer()
    },
  }
}
