import { type ErrorCode, RegistryError } from './errors.ts'
import type { Exchange } from './observe/exchange.ts'
import type { Metrics } from './observe/metrics.ts'
import type { Logger } from './ports.ts'
import { toClientError, UpstreamTrouble } from './upstream/trouble.ts'

/** What went wrong, as the client may know it; everything else goes to the log. */
export function createToRegistryError(
  metrics: Metrics,
  logger: Logger,
): (error: unknown, exchange: Exchange, request: Request) => RegistryError {
  return (error, exchange, request) => {
    if (error instanceof RegistryError) {
      if (error.rejection !== undefined) {
        metrics.rejected.add(1, error.rejection)
        return error
      }
      const isOurs = exchange.upstream === '-' || ownRefusals.has(error.code)
      // Each pull with a login begins with being told where to log in.
      const isQuestion = error.code === 'UNAUTHORIZED' && !request.headers.has('authorization')
      if (isOurs && !isQuestion) metrics.rejected.add(1, error.code.toLowerCase())
      return error
    }
    if (error instanceof UpstreamTrouble) {
      return toClientError(error, {
        isBlob: exchange.kind === 'blob',
        hasFallback: exchange.route?.via !== 'prefix',
        retriesBlobsFor75s: request.headers.get('user-agent')?.startsWith('docker/') === true,
      })
    }
    const stack = error instanceof Error ? error.stack : String(error)
    logger.error('a request failed', {
      kind: exchange.kind,
      upstream: exchange.upstream,
      error: stack,
    })
    return new RegistryError('UNKNOWN', 'the mirror failed: its log has the reason')
  }
}

/** Codes that say something of the request, not of what the upstream has. */
const ownRefusals: ReadonlySet<ErrorCode> = new Set([
  'DIGEST_INVALID',
  'NAME_INVALID',
  'RANGE_INVALID',
  'TAG_INVALID',
  'UNAUTHORIZED',
  'UNSUPPORTED',
])
