import type { Client } from '../access/client.ts'
import type { Outcome } from '../answer.ts'
import type { Config } from '../config/config.ts'
import type { Ports } from '../ports.ts'
import type { RequestContext } from '../request/context.ts'
import type { Route } from '../route.ts'
import { createFormatAccess } from './access-log.ts'
import { withoutSecrets } from './without-secrets.ts'
import type { Metrics } from './metrics.ts'

/** One request on its way through the app, for its log line and its counts. */
export interface Exchange {
  readonly context: RequestContext
  readonly client: Client
  readonly startedAt: number
  kind: string
  upstream: string
  route?: Route
  /** Who has logged in. */
  user?: string | undefined
  /** What a token is wanted for. */
  scope?: string
  /** Whether the limits know of it. */
  isCounted?: boolean
  outcome?: Outcome
}

/** Logs and counts an answer when it has been sent, or, where the runtime cannot tell, when it is made. */
export function createObserve(
  config: Config,
  { logger, clock }: Ports,
  metrics: Metrics,
): (request: Request, response: Response, exchange: Exchange) => void {
  const formatAccess = createFormatAccess(config.log.format)

  return (request, response, exchange) => {
    const { context, kind, upstream, outcome } = exchange
    const { status } = response
    const { method, url, headers } = request
    const isBlobStream = kind === 'blob' && method === 'GET' && status < 300
    metrics.requests.add(1, upstream, kind, String(status))
    if (outcome)
      metrics.cacheRequests.add(1, upstream, kind, outcome.startsWith('stale-') ? 'stale' : outcome)
    if (isBlobStream) metrics.activeBlobStreams.add(1)

    const finish = (bodyBytes: number): void => {
      if (isBlobStream) metrics.activeBlobStreams.add(-1)
      metrics.clientBytes.add(bodyBytes, upstream)
      const finishedAt = clock.now()
      logger.access(
        formatAccess({
          clientAddress: exchange.client.address,
          finishedAt,
          seconds: (finishedAt - exchange.startedAt) / 1000,
          method,
          user: exchange.user,
          target: withoutSecrets(targetOf(url)),
          status,
          bodyBytes,
          referer: withoutSecrets(headers.get('referer')),
          userAgent: withoutSecrets(headers.get('user-agent')),
          host: headers.get('host'),
          upstream,
          cacheStatus: outcome ?? '-',
        }),
      )
    }
    if (context.whenSent) context.whenSent(finish)
    else finish(method === 'HEAD' ? 0 : Number(response.headers.get('content-length') ?? 0))
  }
}

function targetOf(url: string): string {
  return url.slice(url.indexOf('/', url.indexOf('//') + 2))
}
