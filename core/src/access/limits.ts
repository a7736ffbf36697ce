import type { Answer } from '../answer.ts'
import type { LimitsConfig } from '../config/config.ts'
import type { Lasting } from '../lasting.ts'
import type { Ports } from '../ports.ts'
import type { RequestContext } from '../request/context.ts'
import { createBandwidth } from './bandwidth.ts'
import { createRequestLimit, type TakeRequest } from './request-limit.ts'
import { createStreamLimit, type Release } from './stream-limit.ts'

/** How much one client may take; keys are those of client-key.ts. */
export interface Limits {
  readonly takeRequest: TakeRequest
  /** Answers with a blob within the client's streams and bandwidth. */
  sendBlob(key: string, context: RequestContext, answer: () => Promise<Answer>): Promise<Answer>
}

export function createLimits(
  limits: LimitsConfig,
  { limiter, clock, logger }: Pick<Ports, 'limiter' | 'clock' | 'logger'>,
  { streams, bookings }: Pick<Lasting, 'streams' | 'bookings'>,
): Limits {
  const openStream = createStreamLimit(limits.connections, clock, streams)
  const { bandwidthBytesPerSecond: bandwidth } = limits
  const shape = bandwidth === undefined ? undefined : createBandwidth(bandwidth, clock, bookings)
  const isUnlimited = limits.connections === undefined && !shape

  return {
    takeRequest: createRequestLimit(limits.requests, limiter, logger),

    async sendBlob(key, context, answer) {
      if (isUnlimited) return answer()
      const release = await openStream(key)
      const found = await answer().catch((error: unknown) => {
        release()
        throw error
      })
      // Small blobs come as bytes, which a line that is shared must carry, too; 304 and links have none.
      const body = shape && found.body instanceof Uint8Array ? streamOf(found.body) : found.body
      if (!(body instanceof ReadableStream)) {
        release()
        return found
      }
      const shaped = shape ? shape(key, body) : body
      if (limits.connections === undefined) return { ...found, body: shaped }
      if (!context.whenSent) return { ...found, body: withEnd(shaped, release) }
      context.whenSent(release)
      return { ...found, body: shaped }
    },
  }
}

function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    start(controller) {
      if (bytes.byteLength > 0) controller.enqueue(bytes)
      controller.close()
    },
  })
}

/** Tells when a body was read to its end, broke, or was given up. */
function withEnd(body: ReadableStream<Uint8Array>, release: Release): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read()
          if (!done) {
            controller.enqueue(value)
            return
          }
          release()
          controller.close()
        } catch (error) {
          release()
          controller.error(error)
        }
      },
      cancel(reason) {
        release()
        return reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
}
