/** The public entry of the core; with ./config/index.ts the only one. */
export { createPullway, type Pullway, type PullwayOptions } from './app.ts'
export type { Delivery } from './cache/delivery.ts'
export type * from './ports.ts'
export { CannotIngest, DamagedBlobError, FetchError } from './ports.ts'
export { isPublicAddress } from './upstream/address.ts'
export { version } from './version.ts'
