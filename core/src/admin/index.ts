/** The entry that is loaded apart, for the first administrator who asks. */
export { createAdmin } from './api.ts'
