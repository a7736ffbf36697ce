import type { Clock } from '../ports.ts'

/**
 * Ends a read from upstream that brings nothing for `idleMs`, by cancelling it. Returns what to call when
 * reading is over.
 */
export function watchIdle(
  clock: Clock,
  idleMs: number,
  progress: () => number,
  onIdle: () => void,
): () => void {
  const over = new AbortController()
  void watch()
  return () => {
    over.abort()
  }

  async function watch(): Promise<void> {
    let before = progress()
    let quietHalves = 0
    for (;;) {
      await clock.sleep(idleMs / 2, over.signal)
      if (over.signal.aborted) return
      const now = progress()
      quietHalves = now === before ? quietHalves + 1 : 0
      before = now
      if (quietHalves < 2) continue
      onIdle()
      return
    }
  }
}
