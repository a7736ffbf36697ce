import { DigestMismatch, FellBehind, type Fill } from './fill.ts'
import type { Source } from './source.ts'

/** One write to a client; a multiple of what upstream connections bring at a time. */
const maxChunkBytes = 256 * 1024

export interface FillBodyOptions {
  readonly fill: Fill
  readonly first: number
  /** Undefined: to the blob's end, wherever that is. */
  readonly last: number | undefined
  /** Opens a download of its own for a client that fell behind what is kept. */
  readonly detach: (first: number, last: number | undefined) => Promise<Source>
}

/** A client's body that follows a fill: nothing is read ahead of the client. */
export function followFill(options: FillBodyOptions): ReadableStream<Uint8Array> {
  const { fill, first, last, detach } = options
  const follower = fill.follow(first)
  const end = last === undefined ? Number.MAX_SAFE_INTEGER : last + 1
  let position = first
  let own: Source | undefined

  const next = async (): Promise<Uint8Array | undefined> => {
    if (own) return nextOfOwn(own)
    try {
      return await follower.next(Math.min(maxChunkBytes, end - position))
    } catch (error) {
      if (!(error instanceof FellBehind)) throw error
      follower.leave()
      own = await detach(position, last)
      return nextOfOwn(own)
    }
  }

  /** Its bytes are checked by nobody here, but the fill's are the same content from the same place. */
  const nextOfOwn = async (source: Source): Promise<Uint8Array | undefined> => {
    const bytes = await source.next()
    if (!bytes && last !== undefined) throw new Error('the download of a slow client was cut')
    if (bytes && position + bytes.byteLength < end) return bytes
    await fill.finished
    const failure = fill.failure()
    if (failure instanceof DigestMismatch) throw failure
    return bytes
  }

  const leave = async (): Promise<void> => {
    follower.leave()
    await own?.cancel('the client needs no more')
  }

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const bytes = position < end ? await next() : undefined
          if (bytes) {
            const wanted = bytes.subarray(0, Math.min(bytes.byteLength, end - position))
            position += wanted.byteLength
            controller.enqueue(wanted)
          }
          if (bytes && position < end) return
          controller.close()
          await leave()
        } catch (error) {
          await leave()
          throw error
        }
      },
      cancel: leave,
    },
    { highWaterMark: 0 },
  )
}

/** The body of a download that no fill shares. */
export function toBody(source: Source): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const bytes = await source.next()
        if (bytes) controller.enqueue(bytes)
        else controller.close()
      },
      cancel: (reason) => source.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}
