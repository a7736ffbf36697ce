import type { CaseName } from './cases.ts'
import type { PeerName } from './peers.ts'
import type { Figures, Measurement } from './rounds.ts'

interface Row {
  readonly case: CaseName
  readonly figure: keyof Figures
  readonly title: string
  readonly digits: number
}

const rows: readonly Row[] = [
  ...(['manifest-hit-tag', 'manifest-hit-digest'] as const).flatMap((name): readonly Row[] => [
    row(name, 'cpuMicrosecondsPerRequest', 'CPU us/request', 1),
    row(name, 'requestsPerSecond', 'requests/s', 0),
    row(name, 'peakRssMegabytes', 'peak RSS MB', 0),
  ]),
  ...(['blob-miss', 'blob-hit'] as const).flatMap((name): readonly Row[] => [
    row(name, 'cpuSecondsPerGibibyte', 'CPU s/GiB', 3),
    row(name, 'seconds', 'seconds a blob', 2),
    row(name, 'upstreamTimes', 'upstream bytes, x', 2),
    row(name, 'peakRssMegabytes', 'peak RSS MB', 0),
  ]),
  row('herd', 'upstreamTimes', 'upstream bytes, x', 2),
  row('herd', 'medianFirstByteSeconds', 'first byte s, median client', 3),
  row('herd', 'lastFirstByteSeconds', 'first byte s, last client', 3),
  row('herd', 'seconds', 'seconds until all have it', 2),
  row('herd', 'cpuSecondsPerGibibyte', 'CPU s/GiB sent', 3),
  row('herd', 'peakRssMegabytes', 'peak RSS MB', 0),
]

/** Medians; the ratios are Pullway's figure over the other's. */
export function formatTable(
  measurements: readonly Measurement[],
  peers: readonly PeerName[],
): string {
  const others = peers.includes('pullway') ? peers.filter((name) => name !== 'pullway') : []
  const header = ['case', 'figure', ...peers, ...others.map((name) => `/ ${name}`)]
  const lines = rows
    .filter((row) => measurements.some((each) => each.case === row.case))
    .map((row) => {
      const value = (peer: PeerName): number => median(measurements, peer, row.case, row.figure)
      const ratios = others.map((peer) => formatNumber(value('pullway') / value(peer), 2))
      const figures = peers.map((peer) => formatNumber(value(peer), row.digits))
      return [row.case, row.title, ...figures, ...ratios]
    })
  const rule = header.map((_, index) => (index < 2 ? '---' : '--:'))
  return [header, rule, ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** One line for each way in which a measurement failed. */
export function formatFailures(measurements: readonly Measurement[]): readonly string[] {
  const lines = measurements.flatMap(({ peer, case: name, outcome }) =>
    outcome instanceof Error ? [`FAILED ${name}, ${peer}: ${outcome.message}`] : [],
  )
  return [...new Set(lines)]
}

/** NaN when no round has a figure. */
export function median(
  measurements: readonly Measurement[],
  peer: PeerName,
  name: CaseName,
  figure: keyof Figures,
): number {
  const values = figuresOf(measurements, peer, name)
    .map((figures) => figures[figure])
    .toSorted((a, b) => a - b)
  const upper = values[values.length >> 1] ?? Number.NaN
  const lower = values[(values.length - 1) >> 1] ?? Number.NaN
  return (lower + upper) / 2
}

export function figuresOf(
  measurements: readonly Measurement[],
  peer: PeerName,
  name?: CaseName,
): readonly Figures[] {
  return measurements
    .filter((each) => each.peer === peer && (name === undefined || each.case === name))
    .flatMap(({ outcome }) => (outcome instanceof Error ? [] : [outcome]))
}

export function formatNumber(value: number, digits: number): string {
  return Number.isFinite(value) ? value.toFixed(digits) : '-'
}

function row(name: CaseName, figure: keyof Figures, title: string, digits: number): Row {
  return { case: name, figure, title, digits }
}
