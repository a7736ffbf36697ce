/** What a body needs of undici's controller. */
export interface Upstream {
  pause(): void
  resume(): void
  abort(reason: Error): void
}

/** A response body on its way in, fed by undici's handler. */
export interface UpstreamBody {
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>
  push(chunk: Uint8Array<ArrayBuffer>): void
  end(): void
  fail(error: Error): void
}

/** What of all bodies has come and was not read. */
export interface Unread {
  bytes: number
}

/** Upstream stops sending when so much of a body is unread, or so much of all: then it sends what somebody waits for. */
const bufferedBytes = 256 * 1024
const bufferedTogetherBytes = 8 * 1024 * 1024

/** Counted for each chunk, or a body in chunks of one byte would take far more memory than it has bytes. */
const chunkOverheadBytes = 128

/** Reading so little to its end is cheaper than a new connection. */
const drainedBytes = 64 * 1024
const drainMilliseconds = 1000

/** `announced` is the body's length, NaN where upstream does not say. */
export function createUpstreamBody(
  upstream: Upstream,
  announced: number,
  together: Unread = { bytes: 0 },
): UpstreamBody {
  let received = 0
  let unread: Uint8Array<ArrayBuffer>[] = []
  let unreadBytes = 0
  let isAwaited = false
  let hasEnded = false
  let isPaused = false
  let state: 'open' | 'draining' | 'closed' = 'open'
  let drainUntil = 0
  let drainLimit: NodeJS.Timeout | undefined
  let sink: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined

  function hasRoom(): boolean {
    if (isAwaited) return true
    return unreadBytes < bufferedBytes && together.bytes < bufferedTogetherBytes
  }

  function count(bytes: number): void {
    unreadBytes += bytes
    together.bytes += bytes
  }

  function pauseIfFull(): void {
    if (hasRoom()) return
    isPaused = true
    upstream.pause()
  }

  function giveNext(): void {
    const chunk = unread.shift()
    isAwaited = chunk === undefined
    if (chunk !== undefined) {
      count(-costOf(chunk))
      sink?.enqueue(chunk)
      if (hasEnded && unread.length === 0) sink?.close()
    }
    resume()
  }

  function forget(): void {
    unread = []
    count(-unreadBytes)
  }

  function resume(): void {
    if (!isPaused || (state === 'open' && !hasRoom())) return
    isPaused = false
    upstream.resume()
  }

  function breakOff(): void {
    upstream.abort(new Error('The body is not wanted any more'))
  }

  function drain(): void {
    state = 'draining'
    forget()
    drainUntil = received + drainedBytes
    if (announced > drainUntil) {
      breakOff()
      return
    }
    drainLimit = setTimeout(breakOff, drainMilliseconds)
    resume()
  }

  function close(): void {
    state = 'closed'
    clearTimeout(drainLimit)
  }

  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      start(controller) {
        sink = controller
      },
      pull: giveNext,
      cancel() {
        if (state === 'open') drain()
        else forget()
      },
    },
    // What is unread stays here, where it is counted until it is read.
    { highWaterMark: 0 },
  )
  pauseIfFull()

  return {
    stream,

    push(chunk) {
      // undici gives one whenever it goes on with nothing there: a reader would spin between the two.
      if (chunk.byteLength === 0) return
      received += chunk.byteLength
      if (state === 'draining') {
        if (received > drainUntil) breakOff()
        return
      }
      unread.push(chunk)
      count(costOf(chunk))
      if (isAwaited) giveNext()
      pauseIfFull()
    },

    end() {
      hasEnded = true
      if (state === 'open' && unread.length === 0) sink?.close()
      close()
    },

    fail(error) {
      if (state === 'open') {
        forget()
        sink?.error(error)
      }
      close()
    },
  }
}

function costOf(chunk: Uint8Array): number {
  return chunk.byteLength + chunkOverheadBytes
}
