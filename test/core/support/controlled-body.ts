import type { Bytes } from '../../contract/content.ts'

/** A body of which the test gives each chunk. */
export interface ControlledBody {
  readonly stream: ReadableStream<Bytes>
  push(...chunks: readonly Bytes[]): void
  end(): void
  cut(message?: string): void
  /** Chunks that were pushed and not read. */
  readonly unread: number
  readonly isCancelled: boolean
}

export function createControlledBody(): ControlledBody {
  let controller: ReadableStreamDefaultController<Bytes>
  let isCancelled = false
  const stream = new ReadableStream<Bytes>(
    {
      start(given) {
        controller = given
      },
      cancel() {
        isCancelled = true
      },
    },
    { highWaterMark: 0 },
  )
  return {
    stream,
    push(...chunks) {
      // What comes after a cancel is lost, as on a wire.
      if (!isCancelled) for (const chunk of chunks) controller.enqueue(chunk)
    },
    end: () => controller.close(),
    cut: (message = 'the connection was reset') => controller.error(new Error(message)),
    get unread() {
      return -(controller.desiredSize ?? 0)
    },
    get isCancelled() {
      return isCancelled
    },
  }
}

/** A body that comes in these chunks. */
export function bodyOf(...chunks: readonly Bytes[]): ReadableStream<Bytes> {
  const left = [...chunks]
  return new ReadableStream<Bytes>(
    {
      pull(controller) {
        const chunk = left.shift()
        if (chunk) controller.enqueue(chunk)
        else controller.close()
      },
    },
    { highWaterMark: 0 },
  )
}
