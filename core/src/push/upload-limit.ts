import { type Clock, FetchError } from '../ports.ts'
import { watchIdle } from '../upstream/idle.ts'

/** After the last byte: registries on object storage copy a large blob before they answer. */
export const settleMs = 300_000

export interface UploadLimit {
  readonly clock: Clock
  /** Without a byte moving. */
  readonly idleMs: number
}

/**
 * Sends a body for as long as it moves. Unlike a pull, an upload has no deadline: its length and the client's line
 * decide how long it takes.
 */
export async function withUploadLimit<T>(
  { clock, idleMs }: UploadLimit,
  body: ReadableStream<Uint8Array>,
  send: (body: ReadableStream<Uint8Array>, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = new AbortController()
  const over = new AbortController()
  const giveUp = (what: string): void => {
    limit.abort(new FetchError('timeout', what))
  }
  let moved = 0
  const stopWatching = watchIdle(
    clock,
    idleMs,
    () => moved,
    () => {
      giveUp('the upload does not move on')
    },
  )
  const watched = body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        moved += chunk.byteLength
        controller.enqueue(chunk)
      },
      flush() {
        stopWatching()
        void clock.sleep(settleMs, over.signal).then(() => {
          if (!over.signal.aborted) giveUp('its answer to an upload took too long')
        })
      },
    }),
  )
  const aborted = new Promise<never>((_, reject) => {
    limit.signal.addEventListener('abort', () => {
      reject(limit.signal.reason as Error)
    })
  })
  aborted.catch(() => undefined)
  try {
    return await Promise.race([send(watched, limit.signal), aborted])
  } finally {
    stopWatching()
    over.abort()
  }
}
