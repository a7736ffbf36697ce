import { readdir, readFile } from 'node:fs/promises'

/** What a process has of what may leak. */
export interface Figures {
  readonly rssMib: number
  readonly openFiles: number
}

export async function readFigures(pid: number): Promise<Figures> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const kib = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1])
  return { rssMib: kib / 1024, openFiles: (await readdir(`/proc/${pid}/fd`)).length }
}

/** The middle of a part of the samples: from `first` to `last`, as shares of them. */
export function medianOf(samples: readonly number[], first: number, last: number): number {
  const part = samples
    .slice(Math.floor(samples.length * first), Math.ceil(samples.length * last))
    .toSorted((one, other) => one - other)
  return part[Math.floor(part.length / 2)] ?? NaN
}
