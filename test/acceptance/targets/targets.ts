import type { TargetName } from '../capabilities.ts'
import type { Target } from '../target.ts'
import { cloudflareTarget } from './cloudflare.ts'
import { lambdaTarget } from './lambda.ts'
import { nodeTarget } from './node.ts'
import { vercelTarget } from './vercel.ts'

export const targets: Readonly<Record<TargetName, Target>> = {
  node: nodeTarget,
  cloudflare: cloudflareTarget,
  lambda: lambdaTarget,
  'vercel-node': vercelTarget('vercel-node', 'node'),
  'vercel-edge': vercelTarget('vercel-edge', 'edge'),
}
