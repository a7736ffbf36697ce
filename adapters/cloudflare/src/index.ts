/** What a Worker's entry needs: see deploy/cloudflare/worker.ts. Loads in Cloudflare's runtime only. */
import { env } from 'cloudflare:workers'
import type { Environment } from './bindings.ts'
import { prepareWorker, type Worker } from './worker.ts'

export { Claims } from './claims.ts'
export type { Worker }

export interface CreateWorkerOptions {
  /** YAML; the variable PULLWAY_CONFIG goes before it. */
  readonly config?: string
}

/** The mirror as a Worker's default export, with what wrangler.jsonc binds. */
export function createWorker({ config = '' }: CreateWorkerOptions = {}): Worker {
  return prepareWorker({ config, environment: env as Environment })
}
