import { sha256, sha512 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import type { CreateHasher } from '@pullway/core'

const algorithms = { sha256, sha512 }

/**
 * For manifests and keys, a few kilobytes each: crypto.DigestStream and crypto.subtle answer later, the port at
 * once. Layers are never hashed here: R2 does that, or the runtime (r2-parts.ts).
 */
export const createHasher: CreateHasher = (algorithm) => {
  const hash = algorithms[algorithm].create()
  return {
    update(chunk) {
      hash.update(chunk)
    },
    hex: () => bytesToHex(hash.digest()),
  }
}
