import type { AwsLambda, ResponseStream } from './runtime.ts'

/** How far a body has come, for the access log. */
export interface Progress {
  bodyBytes: number
  isComplete: boolean
}

/**
 * Sends an answer and resolves when the platform has taken its end, or the client has gone. A body that breaks
 * off destroys the stream: a clean end would make a cut layer look whole. Throws what broke it.
 */
export async function sendAnswer(
  response: Response,
  underlying: ResponseStream,
  { HttpResponseStream }: Pick<AwsLambda, 'HttpResponseStream'>,
  progress: Progress,
): Promise<void> {
  // A stream without a listener would end the process with the error that the write's caller gets anyway.
  underlying.on('error', () => undefined)
  const stream = HttpResponseStream.from(underlying, {
    statusCode: response.status,
    headers: Object.fromEntries(response.headers),
  })
  try {
    // Brings status and headers on their way, also where no byte follows: HEAD, 304, 307.
    stream.write(new Uint8Array(0))
    if (response.body) await pump(response.body, stream, progress)
    progress.isComplete = await ended(stream)
  } catch (error) {
    stream.destroy(error instanceof Error ? error : new Error(String(error)))
    throw error
  }
}

/** Asks for the next chunk when the stream has room again: nothing is read ahead of the client. */
async function pump(
  body: ReadableStream<Uint8Array>,
  stream: ResponseStream,
  progress: Progress,
): Promise<void> {
  const reader = body.getReader()
  const cancel = (): void => {
    reader.cancel(new Error('The client has gone')).catch(() => undefined)
  }
  stream.once('close', cancel)
  if (stream.destroyed) cancel()
  try {
    for (;;) {
      const { value } = await reader.read()
      if (value === undefined || stream.destroyed) return
      const hasRoom = stream.write(value)
      progress.bodyBytes += value.byteLength
      if (!hasRoom) await drained(stream)
    }
  } finally {
    stream.off('close', cancel)
    cancel()
  }
}

/** A stream that was destroyed never drains. */
function drained(stream: ResponseStream): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      stream.off('drain', settle)
      stream.off('close', settle)
      resolve()
    }
    stream.once('drain', settle)
    stream.once('close', settle)
    if (stream.destroyed) settle()
  })
}

/** Whether the end came through. */
function ended(stream: ResponseStream): Promise<boolean> {
  return new Promise((resolve) => {
    const close = (): void => resolve(stream.writableFinished)
    stream.once('close', close)
    if (stream.destroyed) {
      close()
      return
    }
    stream.end(() => {
      stream.off('close', close)
      resolve(stream.writableFinished)
    })
  })
}
