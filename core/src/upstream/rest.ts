import type { UpstreamTrouble } from './trouble.ts'

const firstMs = 5_000
const longestMs = 120_000
/** Docker Hub's longest window; who asks for more is asked again all the same. */
const longestStatedMs = 6 * 3600_000

/**
 * How long what has failed is left alone: as long as it says, else longer with each failure in a row, and not
 * to the second, so that several mirrors do not come back at once. `random` is from 0 to 1.
 */
export function lengthOfRest(
  { retryAfterSeconds }: UpstreamTrouble,
  streak: number,
  random: number,
): { readonly milliseconds: number; readonly isStated: boolean } {
  if (retryAfterSeconds !== undefined) {
    const milliseconds = Math.min(retryAfterSeconds * 1000, longestStatedMs)
    return { milliseconds, isStated: true }
  }
  const grown = Math.min(firstMs * 2 ** (streak - 1), longestMs)
  return { milliseconds: Math.round(grown * (0.75 + random / 2)), isStated: false }
}
