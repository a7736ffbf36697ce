import { startVercelFunction } from '../../platforms/vercel.ts'
import type { TargetName } from '../capabilities.ts'
import type { Target } from '../target.ts'

/** The function as the kit builds it, without any service beside it. */
export function vercelTarget(name: TargetName, runtime: 'node' | 'edge'): Target {
  return {
    name,
    // JSON is YAML too.
    start: (document) => startVercelFunction(runtime, JSON.stringify(document)),
  }
}
