import type { Logger, RequestContext } from '@pullway/core'
import type { VercelContext } from './handler.ts'

/** Where Vercel's runtimes keep what belongs to the running request; `@vercel/functions` reads it there. */
const requestContext = Symbol.for('@vercel/request-context')

export function toRequestContext(
  headers: Headers,
  context: VercelContext | undefined,
  logger: Logger,
): RequestContext {
  const clientAddress = readClientAddress(headers)
  return {
    ...(clientAddress === undefined ? {} : { clientAddress }),
    waitUntil(work) {
      const settled = work.catch((error: unknown) =>
        logger.error('work behind an answer failed', { error: String(error) }),
      )
      const keeper = context?.waitUntil ? context : currentContext()
      keeper?.waitUntil?.(settled)
    },
  }
}

/** Vercel's proxy sets both and lets no client's own through; the second is a list behind another proxy. */
function readClientAddress(headers: Headers): string | undefined {
  const text = headers.get('x-real-ip') ?? headers.get('x-vercel-forwarded-for')?.split(',')[0]
  return text?.trim() || undefined
}

function currentContext(): VercelContext | undefined {
  const store = (globalThis as Readonly<Record<symbol, unknown>>)[requestContext]
  return (store as { get?(): VercelContext | undefined } | undefined)?.get?.()
}
