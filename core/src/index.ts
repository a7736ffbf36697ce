/** The public entry of the core; with ./config/index.ts, and ./admin/index.ts for `import()`, the only one. */
export { isUserName, linesOf, parseUsers, type UserEntry } from './access/htpasswd.ts'
export { hashWithPbkdf2, type VerifyBcrypt } from './access/password-hash.ts'
export type { UsersFile } from './access/users.ts'
export type { AdminModule } from './admin/module.ts'
export type { PullwayOptions } from './app.ts'
export type { Delivery } from './cache/delivery.ts'
export { type Eviction, planEviction } from './cache/eviction.ts'
export { type NotedHolding, parseNotedHolding } from './cache/holdings.ts'
export {
  countNeeds,
  type KeptContent,
  type KeptContents,
  largestManifestBytes,
  type ManifestNames,
  partsOf,
  readManifestNames,
  removalOf,
} from './cache/kept-contents.ts'
export { type NotedTag, parseNotedTag } from './cache/tags.ts'
export type * from './ports.ts'
export { CannotIngest, DamagedBlobError, FetchError, NoRoomError } from './ports.ts'
export { createPullway, type Pullway } from './pullway.ts'
export type { RequestContext } from './request/context.ts'
export { formatImageName, type NamedImage, parseImageName } from './request/image-name.ts'
export { isDigest } from './request/reference.ts'
export { isPublicAddress } from './upstream/address.ts'
export { version } from './version.ts'
