import type { Timeouts, UpstreamConfig } from '../config/config.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Clock, CreateHasher, Fetch, KeyValue, Logger } from '../ports.ts'
import { createEndpoint } from './endpoint.ts'
import { createSend, followRedirects, type Hop } from './exchange.ts'
import { createAskInTurn } from './failover.ts'
import { hasAccount } from './guest.ts'
import type { Question, Take } from './question.ts'
import { createRefusals } from './refusals.ts'
import { labelsOf, type UpstreamState } from './state.ts'
import { withTimeLimit } from './time-limit.ts'
import { createTokenSource } from './token.ts'
import { toTrouble, UpstreamTrouble } from './trouble.ts'

/** A registry that we pull from. */
export interface Upstream {
  readonly config: UpstreamConfig
  /** Whose rights it is asked with; empty for the operator's. What is asked at once is shared by equal ones only. */
  readonly askerKey: string
  /** Throws a RegistryError when the upstream says no, an UpstreamTrouble when it does not say. */
  ask<T>(question: Question, take: Take<T>): Promise<T>
  /** The same for an address beside the registry API (search). */
  askElsewhere<T>(url: URL, deadline: number, take: Take<T>): Promise<T>
  /** Its last answer was trouble, moments ago: what it would have to add to a cached copy may not come. */
  isTroubled(): boolean
  /** A pull would be one of the last that its rate limit allows, as configured. */
  isScarce(): boolean
  state(): UpstreamState
}

export interface UpstreamOptions {
  readonly fetch: Fetch
  readonly clock: Clock
  readonly createHasher: CreateHasher
  readonly state: KeyValue
  readonly volatile: KeyValue
  readonly timeouts: Timeouts
  readonly metrics: Metrics
  readonly logger: Logger
}

const troubleLastsMs = 10_000
/** A herd that is too large for this machine would fill the log. */
const sayAgainMs = 60_000

export function createUpstream(config: UpstreamConfig, options: UpstreamOptions): Upstream {
  const { clock, volatile, createHasher, timeouts, logger } = options
  const { name, endpoints } = config
  const { answerMs } = timeouts
  const send = createSend(name, options)
  const shared = {
    ...options,
    upstream: config,
    send,
    tokens: createTokenSource({ volatile, createHasher, clock, limitMs: answerMs }),
    refusals: createRefusals(name, volatile),
    // Half of what it has when all of them are asked.
    fairMs: answerMs / endpoints.length / 2,
    onOutcome: noteTrouble,
  }
  const labels = labelsOf(endpoints)
  const chain = endpoints.map((endpoint, index) =>
    createEndpoint(endpoint, { ...shared, label: labels[index] ?? '' }),
  )
  let troubledUntil = 0
  let saidAt = -Infinity

  const askAnyone = createAskInTurn(chain, shared)
  // A caller has an account at one endpoint; what is private is so at the one that has the operator's.
  const askFirst = createAskInTurn(chain.slice(0, 1), shared)
  const askOperators = createAskInTurn(
    chain.filter((_, index) => hasAccount(endpoints[index])).slice(0, 1),
    shared,
  )

  return {
    config,
    askerKey: '',
    // With more left than there was, the clock has been set back.
    isTroubled: () => {
      const leftMs = troubledUntil - clock.now()
      return leftMs > 0 && leftMs <= troubleLastsMs
    },
    isScarce,
    state: () => ({
      config,
      isAsked: true,
      isScarce: isScarce(),
      endpoints: chain.map((endpoint) => endpoint.state()),
    }),
    ask(question, take) {
      const { asker } = question
      if (!asker) return askAnyone(question, take)
      return asker.rights.kind === 'caller'
        ? askFirst(question, take)
        : askOperators(question, take)
    },
    async askElsewhere(url, deadline, take) {
      const sendHop = (hop: Hop, signal: AbortSignal): Promise<Response> =>
        send(hop, hop.url.origin === url.origin ? 'any' : 'public', signal)
      try {
        return await withTimeLimit(clock, deadline - clock.now(), name, async (signal) => {
          const first: Hop = { method: 'GET', url, headers: { accept: 'application/json' } }
          const { response, from } = await followRedirects(first, (hop) => sendHop(hop, signal))
          return take(response, signal, from, () => undefined)
        })
      } catch (error) {
        throw toTrouble(name, error)
      }
    },
  }

  function isScarce(): boolean {
    const next = chain.find((endpoint) => endpoint.rest(true) === undefined) ?? chain[0]
    return (next?.remaining() ?? Infinity) < config.quotaFloor
  }

  function noteTrouble(error: unknown): void {
    const isTrouble = error instanceof UpstreamTrouble && error.reason !== 'rate-limited'
    troubledUntil = isTrouble ? clock.now() + troubleLastsMs : 0
    // No endpoint rests for it, so that nothing else would say why.
    if (!isTrouble || !error.isOurs || Math.abs(clock.now() - saidAt) < sayAgainMs) return
    saidAt = clock.now()
    const fields = { upstream: name, error: error.message }
    logger.warn('this mirror lacks files, ports or memory to ask upstreams', fields)
  }
}
