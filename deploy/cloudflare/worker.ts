import { createWorker } from '@pullway/cloudflare'
import config from './pullway.yaml'

/** A Durable Object's class must be an export of the Worker that binds it. */
export { Claims } from '@pullway/cloudflare'
export default createWorker({ config })
