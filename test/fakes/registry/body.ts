import type { Reply } from './answer.ts'
import type { Call } from './call.ts'
import type { ActiveFault } from './fault.ts'

const chunkBytes = 16 * 1024

/** Makes the Response of a reply: what a Fetch port gives, with the fault laid over its body. */
export function respond(
  reply: Reply,
  call: Call,
  signal: AbortSignal,
  active: ActiveFault | undefined,
): Response {
  const headers = new Headers(reply.headers)
  if (reply.hidesLength !== true && reply.status !== 304) {
    headers.set('content-length', String(reply.bytes.length))
  }
  if (active?.fault.kind === 'headers') {
    for (const [name, value] of Object.entries(active.fault.headers)) headers.set(name, value)
  }
  const bodiless = call.method === 'HEAD' || [204, 205, 304].includes(reply.status)
  const body = bodiless ? null : streamOf(reply.bytes, call, signal, active)
  return new Response(body, { status: reply.status, headers })
}

function streamOf(
  bytes: Uint8Array<ArrayBuffer>,
  call: Call,
  signal: AbortSignal,
  active: ActiveFault | undefined,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const fault = active?.fault
  const limit = fault !== undefined && 'afterBytes' in fault ? fault.afterBytes : bytes.length
  let end = Math.min(limit, bytes.length)
  let isStalled = fault?.kind === 'stall'
  return new ReadableStream(
    {
      start(controller) {
        signal.addEventListener('abort', () => {
          call.cancelled = true
          controller.error(signal.reason)
        })
      },
      async pull(controller) {
        if (call.sentBytes < end) {
          const chunk = bytes.slice(call.sentBytes, Math.min(call.sentBytes + chunkBytes, end))
          if (fault?.kind === 'wrong-bytes') chunk[0] = (chunk[0] ?? 0) ^ 0xff
          call.sentBytes += chunk.length
          controller.enqueue(chunk)
          return
        }
        if (!isStalled) {
          if (fault?.kind === 'cut') controller.error(new TypeError('terminated'))
          else controller.close()
          return
        }
        await Promise.race([active?.lifted, aborted(signal)])
        isStalled = false
        end = bytes.length
        if (!signal.aborted) await this.pull?.(controller)
      },
      cancel() {
        call.cancelled = true
      },
    },
    { highWaterMark: 0 },
  )
}

export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else
      signal.addEventListener(
        'abort',
        () => {
          resolve()
        },
        { once: true },
      )
  })
}
