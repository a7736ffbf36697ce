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

/** Upstream stops sending when so much is unread; of all bodies together not much more than the last. */
const bufferedBytes = 256 * 1024
const leastBufferedBytes = 16 * 1024
const bufferedTogetherBytes = 16 * 1024 * 1024

/** Counted for each chunk, or a body in chunks of one byte would take far more memory than it has bytes. */
const chunkOverheadBytes = 128

/** Reading so little to its end is cheaper than a new connection. */
const drainedBytes = 64 * 1024
const drainMilliseconds = 1000

/** `announced` is the body's length, NaN where upstream does not say; `bodies` are those that are open. */
export function createUpstreamBody(
  upstream: Upstream,
  announced: number,
  bodies: { open: number } = { open: 0 },
): UpstreamBody {
  let received = 0
  let isPaused = false
  let state: 'open' | 'draining' | 'closed' = 'open'
  let drainUntil = 0
  let drainLimit: NodeJS.Timeout | undefined
  let sink: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined

  bodies.open += 1

  function hasRoom(): boolean {
    const unread = bufferedBytes - (sink?.desiredSize ?? 0)
    const share = bufferedTogetherBytes / bodies.open
    return unread < Math.max(leastBufferedBytes, Math.min(bufferedBytes, share))
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
    drainUntil = received + drainedBytes
    if (announced > drainUntil) {
      breakOff()
      return
    }
    drainLimit = setTimeout(breakOff, drainMilliseconds)
    resume()
  }

  function close(): void {
    if (state !== 'closed') bodies.open -= 1
    state = 'closed'
    clearTimeout(drainLimit)
  }

  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      start(controller) {
        sink = controller
      },
      pull: resume,
      cancel() {
        if (state === 'open') drain()
      },
    },
    {
      highWaterMark: bufferedBytes,
      size: (chunk) => chunk.byteLength + chunkOverheadBytes,
    },
  )

  return {
    stream,

    push(chunk) {
      received += chunk.byteLength
      if (state === 'draining') {
        if (received > drainUntil) breakOff()
        return
      }
      sink?.enqueue(chunk)
      if (hasRoom()) return
      isPaused = true
      upstream.pause()
    },

    end() {
      if (state === 'open') sink?.close()
      close()
    },

    fail(error) {
      if (state === 'open') sink?.error(error)
      close()
    },
  }
}
