import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { manifestType } from './content.ts'

export interface Load {
  readonly requests: number
  readonly requestsPerSecond: number
}

const connections = 32

/** wrk on the load's core, which it inherits from this process. */
export async function runLoad(url: URL, seconds: number): Promise<Load> {
  const flags = ['-t1', `-c${connections}`, `-d${seconds}s`, '-H', `Accept: ${manifestType}`]
  const { stdout } = await promisify(execFile)('wrk', [...flags, url.href], {
    timeout: (seconds + 20) * 1000,
  })
  const mistakes = /^ *(Non-2xx or 3xx responses|Socket errors): .*$/m.exec(stdout)?.[0]
  if (mistakes !== undefined) throw new Error(`wrk ${url}: ${mistakes.trim()}`)
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1])
  const requestsPerSecond = Number(/Requests\/sec: *([\d.]+)/.exec(stdout)?.[1])
  if (!(requests > 0)) throw new Error(`wrk ${url} had no answer`)
  return { requests, requestsPerSecond }
}
