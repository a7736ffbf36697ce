import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

/** USER_HZ, the unit of /proc/<pid>/stat: 100 on every architecture that Linux runs on today. */
const ticksPerSecond = 100

/** The process and all that descend from it: nginx works in a child of the process that we started. */
export function processTree(root: number): readonly number[] {
  const running = runningProcesses()
  const tree = [root]
  for (const pid of tree) {
    tree.push(...running.filter(({ parent }) => parent === pid).map((child) => child.pid))
  }
  return tree
}

/** User and system time so far, reaped children included; steps of 10 ms. */
export function cpuSeconds(root: number): number {
  const ticks = processTree(root)
    .flatMap((pid) => statFields(pid)?.slice(11, 15) ?? [])
    .map(Number)
  return ticks.reduce((sum, tick) => sum + tick, 0) / ticksPerSecond
}

/** Lets the next peakRssMegabytes count from now on (proc(5), /proc/<pid>/clear_refs). */
export function resetPeakRss(root: number): void {
  for (const pid of processTree(root)) writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

export function peakRssMegabytes(root: number): number {
  const kibibytes = processTree(root).map((pid) => {
    const status = readProcFile(`/proc/${pid}/status`) ?? ''
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0)
  })
  return (kibibytes.reduce((sum, value) => sum + value, 0) * 1024) / 1e6
}

function runningProcesses(): { readonly pid: number; readonly parent: number }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const parent = statFields(Number(name))?.[1]
      return parent === undefined ? [] : [{ pid: Number(name), parent: Number(parent) }]
    })
}

/** What follows the command's name, which may itself hold spaces and parentheses: state, ppid, ... */
function statFields(pid: number): readonly string[] | undefined {
  const text = readProcFile(`/proc/${pid}/stat`)
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')
}

function readProcFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined // the process ended between the listing and the reading
  }
}
