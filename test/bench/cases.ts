import type { Content } from './content.ts'
import { download } from './download.ts'
import { runLoad } from './load.ts'
import type { Sizes } from './settings.ts'

export interface Subject {
  readonly url: string
  readonly content: Content
  readonly sizes: Sizes
}

/** What the load saw. CPU, memory and the upstream's bytes are read around it (rounds.ts). */
export interface Seen {
  readonly requests: number
  /** Body bytes of the blob, once per client that read it; what the servers' CPU time is divided by. */
  readonly bytes: number
  /** The blob's own size, to which the upstream's bytes compare. */
  readonly blobBytes: number
  readonly requestsPerSecond?: number
  readonly seconds?: number
  readonly medianFirstByteSeconds?: number
  readonly lastFirstByteSeconds?: number
}

export interface Case {
  readonly name: CaseName
  /** Its load must not move a byte from upstream; a HEAD to revalidate a tag moves none. */
  readonly isHit: boolean
  readonly prepare: (subject: Subject) => Promise<unknown>
  readonly load: (subject: Subject) => Promise<Seen>
}

export const caseNames = [
  'manifest-hit-tag',
  'manifest-hit-digest',
  'blob-miss',
  'blob-hit',
  'herd',
] as const
export type CaseName = (typeof caseNames)[number]

/** In this order within a round: the miss fills what the hit reads. */
export const cases: readonly Case[] = [
  manifestHit('manifest-hit-tag', () => 'latest'),
  manifestHit('manifest-hit-digest', ({ manifest }) => manifest.digest),
  {
    name: 'blob-miss',
    isHit: false,
    prepare: async () => {},
    load: (subject) => readBlob(subject, 1),
  },
  {
    name: 'blob-hit',
    isHit: true,
    prepare: ({ url, content: { blob } }) => download(new URL(blob.path, url), blob),
    load: (subject) => readBlob(subject, subject.sizes.hitsPerRound),
  },
  { name: 'herd', isHit: false, prepare: async () => {}, load: readAsHerd },
]

const warmUpRequests = 20_000

function manifestHit(name: CaseName, reference: (content: Content) => string): Case {
  const urlFor = ({ url, content }: Subject): URL =>
    new URL(`/v2/bench/image/manifests/${reference(content)}`, url)
  return {
    name,
    isHit: true,
    prepare: async (subject) => {
      await download(urlFor(subject), subject.content.manifest)
      await warmUp(urlFor(subject), subject.sizes.warmUpSeconds)
    },
    load: async (subject) => {
      const load = await runLoad(urlFor(subject), subject.sizes.loadSeconds)
      return { ...load, bytes: 0, blobBytes: 0 }
    },
  }
}

/** By requests, since it is their number that makes V8 compile; by time for those who gain nothing from it. */
async function warmUp(url: URL, atMostSeconds: number): Promise<void> {
  let requests = 0
  for (let second = 0; second < atMostSeconds && requests < warmUpRequests; second += 1) {
    requests += (await runLoad(url, 1)).requests
  }
}

async function readBlob({ url, content }: Subject, times: number): Promise<Seen> {
  const { path, size } = content.blob
  let seconds = 0
  for (let time = 0; time < times; time += 1) {
    seconds += (await download(new URL(path, url), { size })).seconds
  }
  return { requests: times, bytes: times * size, blobBytes: size, seconds: seconds / times }
}

async function readAsHerd({ url, content, sizes }: Subject): Promise<Seen> {
  const { path, size } = content.herdBlob
  const clients = Array.from({ length: sizes.herdClients }, () =>
    download(new URL(path, url), { size }),
  )
  const downloads = await Promise.all(clients)
  const firstBytes = downloads.map((client) => client.firstByteSeconds).toSorted((a, b) => a - b)
  return {
    requests: clients.length,
    bytes: clients.length * size,
    blobBytes: size,
    seconds: Math.max(...downloads.map((client) => client.seconds)),
    medianFirstByteSeconds: firstBytes[firstBytes.length >> 1] ?? Number.NaN,
    lastFirstByteSeconds: firstBytes.at(-1) ?? Number.NaN,
  }
}
