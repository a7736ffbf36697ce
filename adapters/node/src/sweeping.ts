import type { Clock, Logger } from '@pullway/core'

const everyMs = 60 * 60 * 1000

/** Sweeps now and every hour, until the signal aborts; nothing waits for it. */
export async function keepSweeping(
  sweeps: readonly (() => Promise<unknown>)[],
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    for (const sweep of sweeps) {
      await sweep().catch((error: unknown) =>
        logger.warn('Leftovers of the cache could not be removed', { error: String(error) }),
      )
    }
    await clock.sleep(everyMs, signal)
  }
}
