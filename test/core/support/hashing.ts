import { createHash } from 'node:crypto'
import type { CreateHasher } from '@pullway/core'

export const createHasher: CreateHasher = (algorithm) => {
  const hash = createHash(algorithm)
  return { update: (chunk) => void hash.update(chunk), hex: () => hash.digest('hex') }
}
