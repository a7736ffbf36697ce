import { DigestMismatch, type Fill } from './fill.ts'
import { FellBehind } from './kept-bytes.ts'
import type { Source } from './source.ts'
import { createSourceReader, type SourceReader } from './source-reader.ts'
import { createWholeCheck, type WholeCheckOptions } from './whole-check.ts'

/** Where a reader brings no memory of its own; as much as connections give and take at a time. */
const chunkBytes = 64 * 1024

export interface FillBodyOptions {
  readonly fill: Fill
  readonly first: number
  /** Undefined: to the blob's end, wherever that is. */
  readonly last: number | undefined
  /** These are the last bytes of a whole blob: the client must not get the last one if they are wrong. */
  readonly endsWhole?: boolean
  /** Of a client that has the whole in the end, where a download of its own may come from another endpoint. */
  readonly check?: WholeCheckOptions | undefined
  /** Gives a quicker way to the first byte, where there is one. */
  readonly hurry?: () => Promise<Source | undefined>
  /** Opens a download of its own for a client that fell behind what is kept. */
  readonly detach: (first: number, last: number | undefined) => Promise<Source>
}

/**
 * A client's body that follows a fill: nothing is read ahead of the client. It is a byte stream, so that a
 * runtime which brings its memory along makes no garbage of a large layer, however many clients there are.
 */
export function followFill({
  fill,
  first,
  last,
  endsWhole = false,
  check,
  hurry,
  detach,
}: FillBodyOptions): ReadableStream<Uint8Array> {
  const follower = fill.follow(first)
  const end = last === undefined ? Number.MAX_SAFE_INTEGER : last + 1
  const whole = check && createWholeCheck(check)
  let position = first
  let own: SourceReader | undefined
  let isFillNeeded = false
  const left = new AbortController()

  return new ReadableStream({
    type: 'bytes',
    autoAllocateChunkSize: chunkBytes,
    async pull(controller) {
      const view = controller.byobRequest?.view as Uint8Array<ArrayBuffer>
      try {
        const count = position < end ? await read(view) : 0
        if (left.signal.aborted) return
        position += count
        if (count > 0) controller.byobRequest?.respond(count)
        if (count > 0 && position < end) return
        controller.close()
        // Ends a read that still waits.
        controller.byobRequest?.respond(0)
        await leave()
      } catch (error) {
        await leave()
        throw error
      }
    },
    cancel: leave,
  })

  /** Puts the next bytes into the view; 0 at the end. */
  async function read(view: Uint8Array<ArrayBuffer>): Promise<number> {
    const quicker = position === first ? await hurry?.() : undefined
    if (quicker) await changeTo(quicker)
    if (own) return readOwn(own, view)
    try {
      const length = Math.min(view.byteLength, end - position)
      const bytes = (await follower.next(length, view))?.subarray(0, length)
      // The fill's own memory is shared by many clients.
      if (bytes && bytes.buffer !== view.buffer) view.set(bytes)
      const count = bytes?.byteLength ?? 0
      whole?.update(view.subarray(0, count))
      return count
    } catch (error) {
      if (!(error instanceof FellBehind)) throw error
      return readOwn(await goOnAlone(), view)
    }
  }

  async function goOnAlone(): Promise<SourceReader> {
    if (!whole || (await whole.catchUp(fill, position, left.signal))) {
      if (!endsWhole) follower.leave()
      return changeTo(await detach(position, last))
    }
    // What the client has is right if the fill is, and the rest if all of the other download is.
    isFillNeeded = true
    follower.witness()
    const reader = await changeTo(await detach(0, last))
    await whole.skip(reader, position, left.signal)
    return reader
  }

  async function changeTo(source: Source): Promise<SourceReader> {
    if (endsWhole || isFillNeeded) follower.witness()
    else follower.leave()
    own = createSourceReader(source)
    if (left.signal.aborted) await own.cancel('the client has gone')
    return own
  }

  /** Where nothing else is said, the fill's bytes are the same content from the same place, and checked. */
  async function readOwn(source: SourceReader, view: Uint8Array<ArrayBuffer>): Promise<number> {
    const count = await source.read(view.subarray(0, end - position))
    if (count === 0 && last !== undefined) throw new Error('the download of a slow client was cut')
    whole?.update(view.subarray(0, count))
    if (count > 0 && position + count < end) return count
    // Who has read from the start must not take wrong bytes for the whole; who asked for a part can check nothing.
    const isWhole = first === 0 && fill.isKept()
    if (endsWhole || isFillNeeded || isWhole) await fill.finished
    const failure = fill.failure()
    if (failure && (isFillNeeded || failure instanceof DigestMismatch)) throw failure
    whole?.verify(source)
    return count
  }

  async function leave(): Promise<void> {
    left.abort()
    follower.leave()
    await own?.cancel('the client needs no more')
  }
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
