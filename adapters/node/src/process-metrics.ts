import { readdirSync } from 'node:fs'
import { performance } from 'node:perf_hooks'

interface Metric {
  readonly name: string
  readonly type: 'counter' | 'gauge'
  readonly help: string
  /** Undefined where the system does not tell. */
  readonly read: () => number | undefined
}

const metrics: readonly Metric[] = [
  {
    name: 'pullway_process_resident_memory_bytes',
    type: 'gauge',
    help: 'Memory that the process holds.',
    read: () => process.memoryUsage.rss(),
  },
  {
    name: 'pullway_process_heap_used_bytes',
    type: 'gauge',
    help: 'Memory that JavaScript objects hold.',
    read: () => process.memoryUsage().heapUsed,
  },
  {
    name: 'pullway_process_cpu_seconds_total',
    type: 'counter',
    help: 'CPU time of the process, its own and the system for it.',
    read: () => (process.cpuUsage().user + process.cpuUsage().system) / 1e6,
  },
  {
    name: 'pullway_process_event_loop_active_seconds_total',
    type: 'counter',
    help: 'Time in which the event loop was busy; near one second a second, requests wait.',
    read: () => performance.eventLoopUtilization().active / 1000,
  },
  {
    name: 'pullway_process_open_fds',
    type: 'gauge',
    help: 'Open files and sockets.',
    read: countOpenFiles,
  },
  {
    name: 'pullway_process_start_time_seconds',
    type: 'gauge',
    help: 'When the process started, in seconds since 1970.',
    read: () => performance.timeOrigin / 1000,
  },
]

/** The runtime's own part of /metrics, as Prometheus text. */
export function formatProcessMetrics(): string {
  return metrics
    .map(({ name, type, help, read }) => {
      const value = read()
      if (value === undefined) return ''
      return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name} ${value}\n`
    })
    .join('')
}

function countOpenFiles(): number | undefined {
  try {
    // The folder itself is open while it is read.
    return readdirSync('/proc/self/fd').length - 1
  } catch {
    return undefined
  }
}
