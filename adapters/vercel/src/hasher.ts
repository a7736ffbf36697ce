import type { CreateHasher } from '@pullway/core'
import { sha256, sha512 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'

const algorithms = { sha256, sha512 } as const

/** In JavaScript, since no Web API hashes a stream. */
export const createHasher: CreateHasher = (algorithm) => {
  const hash = algorithms[algorithm].create()
  return {
    update(chunk) {
      hash.update(chunk)
    },
    hex: () => bytesToHex(hash.digest()),
  }
}
