import type { TargetName } from '../capabilities.ts'
import type { Target } from '../target.ts'
import { nodeTarget } from './node.ts'

export const targets: Readonly<Record<TargetName, Target>> = {
  node: nodeTarget,
}
