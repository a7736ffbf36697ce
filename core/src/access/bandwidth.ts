import type { Clock } from '../ports.ts'

type Body = ReadableStream<Uint8Array>

/** Makes a body as slow as its client's share, which all of the client's bodies have together. */
export type ShapeBody = (key: string, body: Body) => Body

/** A timer for every chunk would cost more than the chunk. */
const leastPauseMs = 20
/** Of the time that one piece may take, so that slow lines still get something every so often. */
const piecesPerSecond = 4
const leastPieceBytes = 1024
/** No line of real streams is booked for so long: the clock was set back. */
const longestBookingMs = 300_000
const maxClients = 10_000

/** By client key, when its line is free again. */
export type Bookings = Map<string, number>

export function createBandwidth(
  bytesPerSecond: number,
  clock: Clock,
  freeAt: Bookings = new Map(),
): ShapeBody {
  const pieceBytes = Math.max(leastPieceBytes, Math.floor(bytesPerSecond / piecesPerSecond))

  /** Books the client's line for so many bytes; resolves when their turn has come. */
  async function book(key: string, bytes: number, signal: AbortSignal): Promise<void> {
    const now = clock.now()
    const booked = freeAt.get(key) ?? now
    const begin = booked - now > longestBookingMs ? now : Math.max(booked, now)
    if (freeAt.size >= maxClients) forgetFree(freeAt, now)
    freeAt.set(key, begin + (bytes / bytesPerSecond) * 1000)
    if (begin - now >= leastPauseMs) await clock.sleep(begin - now, signal)
  }

  return (key, body) => {
    const reader = body.getReader()
    const gone = new AbortController()
    let rest: Uint8Array | undefined
    return new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          const chunk = rest ?? (await reader.read()).value
          if (chunk === undefined) {
            controller.close()
            return
          }
          const piece = chunk.subarray(0, pieceBytes)
          rest = piece.byteLength < chunk.byteLength ? chunk.subarray(pieceBytes) : undefined
          await book(key, piece.byteLength, gone.signal)
          if (!gone.signal.aborted) controller.enqueue(piece)
        },
        cancel(reason) {
          gone.abort()
          return reader.cancel(reason)
        },
      },
      { highWaterMark: 0 },
    )
  }
}

function forgetFree(freeAt: Map<string, number>, now: number): void {
  for (const [key, at] of freeAt) if (at <= now) freeAt.delete(key)
}
