import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Docker, startDocker } from '../clients/docker.ts'
import { type Folder, makeFolder } from '../clients/folder.ts'
import { createSkopeo } from '../clients/skopeo.ts'
import { type Door, forwardTo, openDoor } from '../clients/upstream/front.ts'
import { createGate } from '../clients/upstream/gate.ts'
import { type Image, makeImage } from '../clients/upstream/images.ts'
import { startUpstream, type Upstream } from '../clients/upstream/upstream.ts'
import { type Certificates, makeCertificates } from './entrance.ts'
import { faults } from './faults.ts'
import { createHosts } from './hosts.ts'
import { openPlot, type Plot, toUpstreams } from './plot.ts'
import { type Server, startFaultServer } from './server.ts'

/** A fault as a real client meets it, with the times that a server has by itself. */
interface Row {
  readonly client: 'skopeo' | 'dockerd'
  readonly fault: string
  readonly endpoints: 1 | 2
  /** The image was pulled before. */
  readonly isKept?: boolean
  /** Where the image comes from: the mirror, what the client falls back to, or nowhere. */
  readonly from: 'mirror' | 'fallback' | 'nowhere'
  readonly seconds: number
}

const rows: readonly Row[] = [
  { client: 'skopeo', fault: '500', endpoints: 2, from: 'mirror', seconds: 10 },
  { client: 'skopeo', fault: '429', endpoints: 2, from: 'mirror', seconds: 10 },
  { client: 'skopeo', fault: 'reset before headers', endpoints: 2, from: 'mirror', seconds: 10 },
  { client: 'skopeo', fault: 'connection refused', endpoints: 2, from: 'mirror', seconds: 10 },
  { client: 'skopeo', fault: 'CDN dead', endpoints: 2, from: 'mirror', seconds: 10 },
  { client: 'skopeo', fault: 'realm silent', endpoints: 2, from: 'mirror', seconds: 20 },
  { client: 'skopeo', fault: 'silence before headers', endpoints: 2, from: 'mirror', seconds: 20 },
  {
    client: 'skopeo',
    fault: 'cut at the start, always',
    endpoints: 2,
    from: 'mirror',
    seconds: 10,
  },
  { client: 'skopeo', fault: 'wrong last byte', endpoints: 2, from: 'mirror', seconds: 10 },
  { client: 'skopeo', fault: 'wrong last byte', endpoints: 1, from: 'nowhere', seconds: 10 },
  { client: 'skopeo', fault: 'token expired', endpoints: 1, from: 'mirror', seconds: 10 },
  { client: 'skopeo', fault: '503', endpoints: 1, isKept: true, from: 'mirror', seconds: 10 },
  { client: 'skopeo', fault: '429', endpoints: 1, isKept: true, from: 'mirror', seconds: 10 },
  {
    client: 'skopeo',
    fault: 'name does not resolve',
    endpoints: 1,
    isKept: true,
    from: 'mirror',
    seconds: 10,
  },
  { client: 'dockerd', fault: '429', endpoints: 2, from: 'mirror', seconds: 10 },
  {
    client: 'dockerd',
    fault: 'cut in the middle, once',
    endpoints: 2,
    from: 'mirror',
    seconds: 10,
  },
  {
    client: 'dockerd',
    fault: '502 with a page',
    endpoints: 1,
    isKept: true,
    from: 'mirror',
    seconds: 10,
  },
  { client: 'dockerd', fault: '429', endpoints: 1, from: 'fallback', seconds: 10 },
  { client: 'dockerd', fault: 'CDN 500', endpoints: 1, from: 'fallback', seconds: 20 },
  {
    client: 'dockerd',
    fault: 'silence before headers',
    endpoints: 1,
    from: 'fallback',
    seconds: 25,
  },
]

let folder: Folder
let hub: Upstream
/** What dockerd falls back to. */
let other: Upstream
let server: Server
let docker: Docker
/** Where dockerd has its mirror. */
let door: Door
/** The upstream that the door leads to. */
let through = ''
const plots: Plot[] = []
const images: readonly Image[] = rows.map((_, index) =>
  makeImage(`library/client-${index}:1.0`, [300_000, 30_000]),
)

beforeAll(async () => {
  folder = await makeFolder('clients')
  ;[hub, other] = await Promise.all([startUpstream(), startUpstream()])
  await Promise.all([hub.seed(...images), other.seed(...images)])
  const certificates: Certificates = await makeCertificates(folder.path)
  const hosts = await createHosts(folder.path)
  for (const [index, { fault }] of rows.entries())
    plots.push(await openPlot(hub, certificates, hosts, faults[fault]!, `c${index}.test`))
  const upstreams = toUpstreams(
    hub,
    plots.map((plot, index) => ({ ...plot, hasSecond: rows[index]!.endpoints === 2 })),
  )
  const cache = { blobs: { path: `${folder.path}/cache` }, tags: { freshFor: '0s' } }
  server = await startFaultServer({ folder: folder.path, hosts, config: { upstreams, cache } })
  const forward = forwardTo('registry', Number(new URL(server.url).port), [], createGate())
  door = await openDoor((request, response) => {
    request.url = `/${through}${request.url}`
    forward(request, response)
  })
  docker = await startDocker({ registryMirrors: [door.url, other.url] })
})

afterEach(() => {
  other.forget()
})

afterAll(async () => {
  await docker.stop()
  await door.off()
  await server.stop()
  await Promise.all(plots.map(({ site }) => site.stop()))
  await Promise.all([hub.stop(), other.stop()])
  await folder.remove()
})

const nameOf = ({ fault, endpoints, isKept = false }: Row): string =>
  `${fault}, ${endpoints} endpoint${endpoints === 2 ? 's' : ''}${isKept ? ', in the cache' : ''}`

const indexed = rows.map((row, index) => ({ ...row, index, name: nameOf(row) }))

describe.concurrent('skopeo', () => {
  const own = indexed.filter(({ client }) => client === 'skopeo')
  test.for(own)('$name: from $from', async (row, { onTestFinished }) => {
    const { index, isKept = false, from, seconds, fault } = row
    const skopeo = await createSkopeo()
    onTestFinished(() => skopeo.stop())
    const { site, name } = plots[index]!
    const { repository, tag, usual, digest } = images[index]!
    const image = `${server.host}/${name}/${repository}:${tag}`
    if (isKept) await skopeo.pull(image)
    if (faults[fault]!.hasToken)
      await fetch(`${server.url}/v2/${name}/${repository}/tags/list`).then((one) => one.text())
    await site.spoil(faults[fault]!)
    const begin = performance.now()
    const pulled = await skopeo.pull(image).catch(() => undefined)
    expect((performance.now() - begin) / 1000).toBeLessThan(seconds)
    expect(site.met()).toBeGreaterThan(0)
    const right = { id: usual.id, digests: [digest], diffIds: usual.diffIds }
    expect(pulled).toEqual(from === 'mirror' ? right : undefined)
    await site.heal()
  })
})

describe('dockerd', () => {
  const own = indexed.filter(({ client }) => client === 'dockerd')
  test.for(own)('$name: from $from', async ({ index, isKept = false, from, seconds, fault }) => {
    const { site, name } = plots[index]!
    const { repository, tag, usual } = images[index]!
    const image = `${repository.replace('library/', '')}:${tag}`
    through = name
    if (isKept) {
      await docker.pull(image)
      await docker.forget()
    }
    await site.spoil(faults[fault]!)
    const begin = performance.now()
    const { id, diffIds } = await docker.pull(image)
    expect((performance.now() - begin) / 1000).toBeLessThan(seconds)
    expect(site.met()).toBeGreaterThan(0)
    expect({ id, diffIds }).toEqual({ id: usual.id, diffIds: usual.diffIds })
    expect(other.asked({ kind: 'blob' }).length > 0).toBe(from === 'fallback')
    await site.heal()
  })
})
