import { startWorker } from '../../platforms/workerd.ts'
import type { Target } from '../target.ts'

/** The kit's Worker in workerd, with its bindings simulated. */
export const cloudflareTarget: Target = {
  name: 'cloudflare',
  start: (document) => startWorker(JSON.stringify(document)),
}
