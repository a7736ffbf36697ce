import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { cases, type Case, type CaseName, type Subject } from './cases.ts'
import type { Content } from './content.ts'
import { startPeer, type PeerName } from './peers.ts'
import { cpuSeconds, peakRssMegabytes, resetPeakRss } from './process-tree.ts'
import type { Server } from './server.ts'
import type { Settings } from './settings.ts'
import type { Upstream } from './upstream.ts'

export interface Figures {
  readonly cpuMicrosecondsPerRequest: number
  readonly cpuSecondsPerGibibyte: number
  /** Bytes from upstream, as a multiple of the blob. */
  readonly upstreamTimes: number
  readonly requestsPerSecond: number
  readonly seconds: number
  readonly medianFirstByteSeconds: number
  readonly lastFirstByteSeconds: number
  readonly peakRssMegabytes: number
}

export interface Measurement {
  readonly peer: PeerName
  readonly case: CaseName
  /** NaN where a figure says nothing about the case. */
  readonly outcome: Figures | Error
}

export interface Bench {
  readonly settings: Settings
  readonly folder: string
  readonly content: Content
  readonly upstream: Upstream
}

/**
 * Every server starts anew with an empty cache; then case by case, one server after the other, so that
 * what changes on the machine meanwhile meets all of them. Each round another one begins.
 */
export async function runRound(bench: Bench, round: number): Promise<readonly Measurement[]> {
  const folder = join(bench.folder, `round-${round}`)
  const names = rotate(bench.settings.peers, round)
  const servers: { readonly name: PeerName; readonly server: Server }[] = []
  for (const name of names) {
    servers.push({ name, server: await startPeer(name, join(folder, name), bench.upstream.url) })
  }
  const measurements: Measurement[] = []
  for (const each of cases.filter(({ name }) => bench.settings.cases.includes(name))) {
    for (const { name, server } of servers) {
      const outcome = await measure(each, server, bench).catch(toError)
      measurements.push({ peer: name, case: each.name, outcome })
    }
  }
  for (const { server } of servers) await server.stop()
  rmSync(folder, { recursive: true })
  return measurements
}

async function measure(each: Case, server: Server, bench: Bench): Promise<Figures> {
  const { settings, content, upstream } = bench
  const subject: Subject = { url: server.url, content, sizes: settings.sizes }
  resetPeakRss(server.pid)
  await each.prepare(subject)
  await untilQuiet(server.pid)
  const upstreamBefore = await upstream.settledBytes()
  const cpuBefore = cpuSeconds(server.pid)
  const seen = await each.load(subject)
  await untilQuiet(server.pid)
  const cpu = cpuSeconds(server.pid) - cpuBefore
  const upstreamBytes = (await upstream.settledBytes()) - upstreamBefore
  if (each.isHit && upstreamBytes > 0) throw new Error(`no hit: ${upstreamBytes} B from upstream`)
  return {
    cpuMicrosecondsPerRequest: (cpu / seen.requests) * 1e6,
    cpuSecondsPerGibibyte: (cpu / seen.bytes) * 1024 ** 3,
    upstreamTimes: upstreamBytes / seen.blobBytes,
    requestsPerSecond: seen.requestsPerSecond ?? Number.NaN,
    seconds: seen.seconds ?? Number.NaN,
    medianFirstByteSeconds: seen.medianFirstByteSeconds ?? Number.NaN,
    lastFirstByteSeconds: seen.lastFirstByteSeconds ?? Number.NaN,
    peakRssMegabytes: peakRssMegabytes(server.pid),
  }
}

/** Some go on storing after the client has all: that belongs to the request's price. */
async function untilQuiet(pid: number): Promise<void> {
  const deadline = Date.now() + 20_000
  let before = -1
  for (let quiet = 0; quiet < 3 && Date.now() < deadline;) {
    await sleep(50)
    const now = cpuSeconds(pid)
    quiet = now === before ? quiet + 1 : 0
    before = now
  }
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}

function rotate<T>(list: readonly T[], by: number): readonly T[] {
  const start = by % list.length
  return [...list.slice(start), ...list.slice(0, start)]
}
