import { open } from 'node:fs/promises'
import { devNull } from 'node:os'

/** What a new connection fails with when this side has no more files, buffers or memory. */
const exhaustedCodes: ReadonlySet<unknown> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'])

/** Whether an attempt to connect failed for want of something here, so that nobody knows how it would have ended. */
export function isExhaustion(error: unknown): boolean {
  const errors: readonly unknown[] =
    error instanceof AggregateError && error.errors.length > 0 ? error.errors : [error]
  const codes = errors.map(codeOf)
  // No port is left; or no address of that family, of which another may have been tried.
  const hasNoAddress = codes.every((code) => code === 'EADDRNOTAVAIL')
  return hasNoAddress || codes.some((code) => exhaustedCodes.has(code))
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

/**
 * The error if no file can be opened now. A resolver that cannot open its files says that the name does not exist,
 * or that it may later.
 */
export async function findExhaustion(): Promise<Error | undefined> {
  try {
    const handle = await open(devNull)
    await handle.close()
    return undefined
  } catch (error) {
    return isExhaustion(error) ? (error as Error) : undefined
  }
}
