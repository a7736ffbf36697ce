/** The public entry of the core; with ./config/index.ts the only one. */
export type * from './ports.ts'
export { FetchError } from './ports.ts'
