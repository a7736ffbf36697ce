import { createHash } from 'node:crypto'
import type { CreateHasher } from '@pullway/core'

export const createNodeHasher: CreateHasher = (algorithm) => {
  const hash = createHash(algorithm)
  return {
    update(chunk) {
      hash.update(chunk)
    },
    hex: () => hash.digest('hex'),
  }
}
