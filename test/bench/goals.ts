import { caseNames, type CaseName } from './cases.ts'
import type { PeerName } from './peers.ts'
import { figuresOf, formatNumber, median } from './report.ts'
import type { Figures, Measurement } from './rounds.ts'

export interface Verdict {
  readonly reached: boolean
  readonly line: string
}

interface Goal {
  readonly title: string
  /** Judged when one of these was measured, for all of those. */
  readonly cases: readonly CaseName[]
  readonly peers: readonly PeerName[]
  readonly atMost: number
  readonly unit: string
  /** NaN, which reaches no goal, when all measurements of it failed. */
  readonly figure: (measurements: readonly Measurement[]) => number
}

const goals: readonly Goal[] = [
  ratio('manifest-hit-tag', 'cpuMicrosecondsPerRequest', 'nginx', 2),
  ratio('manifest-hit-tag', 'cpuMicrosecondsPerRequest', 'docker-registry', 1 / 20),
  ratio('manifest-hit-digest', 'cpuMicrosecondsPerRequest', 'nginx', 2),
  ratio('manifest-hit-digest', 'cpuMicrosecondsPerRequest', 'docker-registry', 1 / 20),
  ratio('blob-hit', 'cpuSecondsPerGibibyte', 'docker-registry', 1),
  limit('herd', 'upstreamTimes', { title: 'upstream bytes', atMost: 1, unit: 'x' }),
  limit('herd', 'lastFirstByteSeconds', {
    title: 'first byte, last client',
    atMost: 0.1,
    unit: 's',
  }),
  {
    title: 'peak RSS, all cases and rounds',
    cases: caseNames,
    peers: ['pullway'],
    atMost: 150,
    unit: 'MB',
    figure: (measurements) => {
      const peaks = figuresOf(measurements, 'pullway').map((each) => each.peakRssMegabytes)
      return peaks.length === 0 ? Number.NaN : Math.max(...peaks)
    },
  },
]

/** A case that failed in one round misses its goals, whatever the other rounds were like. */
export function judge(measurements: readonly Measurement[]): readonly Verdict[] {
  const wasMeasured = ({ cases, peers }: Goal): boolean =>
    peers.every((peer) => measurements.some((each) => each.peer === peer)) &&
    measurements.some((each) => cases.includes(each.case))
  return goals.filter(wasMeasured).map((goal) => {
    const value = goal.figure(measurements)
    const reached = value <= goal.atMost && !hasFailed(measurements, goal)
    const figures = `${formatNumber(value, 3)} ${goal.unit}, at most ${goal.atMost}`
    return { reached, line: `${reached ? 'OK    ' : 'MISSED'} ${goal.title}: ${figures}` }
  })
}

function hasFailed(measurements: readonly Measurement[], { cases, peers }: Goal): boolean {
  return measurements.some(
    (each) =>
      cases.includes(each.case) && peers.includes(each.peer) && each.outcome instanceof Error,
  )
}

function ratio(name: CaseName, figure: keyof Figures, other: PeerName, atMost: number): Goal {
  return {
    title: `${name} CPU, over ${other}'s`,
    cases: [name],
    peers: ['pullway', other],
    atMost,
    unit: 'x',
    figure: (measurements) =>
      median(measurements, 'pullway', name, figure) / median(measurements, other, name, figure),
  }
}

function limit(
  name: CaseName,
  figure: keyof Figures,
  { title, atMost, unit }: Pick<Goal, 'title' | 'atMost' | 'unit'>,
): Goal {
  return {
    title: `${name} ${title}`,
    cases: [name],
    peers: ['pullway'],
    atMost,
    unit,
    figure: (measurements) => median(measurements, 'pullway', name, figure),
  }
}
