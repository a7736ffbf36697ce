import type { Credentials, EndpointConfig, UpstreamConfig } from '../config/config.ts'
import { isDenied } from '../errors.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Clock, KeyValue, Logger } from '../ports.ts'
import { type Account, byRemaining, createAccounts } from './accounts.ts'
import { toCallerVerdict } from './asker.ts'
import { createSendAuthorized, type SendAuthorized } from './authorize.ts'
import { createBreaker, type Rest } from './breaker.ts'
import { followRedirects, type Hop, type Send } from './exchange.ts'
import { type Guest, toGuest } from './guest.ts'
import { isCounted, projectOf, type Question, type Take, toHop } from './question.ts'
import type { Refusals } from './refusals.ts'
import type { EndpointState } from './state.ts'
import { withTimeLimit } from './time-limit.ts'
import { TokenRefused, type TokenSource } from './token.ts'
import { toTrouble, UpstreamTrouble } from './trouble.ts'
import { denied, toVerdict } from './verdict.ts'

/** One of the addresses that an upstream is pulled from, with its own accounts, challenge and names. */
export interface Endpoint {
  /** Why a question, one that counts as a pull or another, should not go to it; undefined where it may. */
  rest(isCounted: boolean): Rest | undefined
  /** Throws a RegistryError when it says no, an UpstreamTrouble when it does not say. */
  ask<T>(question: Question, take: Take<T>, limitMs: number): Promise<T>
  /** Pulls that are left to the account that would be asked next; undefined where nothing is known. */
  remaining(): number | undefined
  state(): EndpointState
}

export interface EndpointOptions {
  readonly upstream: UpstreamConfig
  /** As metrics and logs name it. */
  readonly label: string
  readonly send: Send
  readonly tokens: TokenSource
  readonly refusals: Refusals
  readonly state: KeyValue
  readonly clock: Clock
  readonly metrics: Metrics
  readonly logger: Logger
  /** A time-out after less than this is not held against the endpoint. */
  readonly fairMs: number
  /** Hears how each exchange ended: undefined for an answer. */
  readonly onOutcome: (error: unknown) => void
}

export function createEndpoint(config: EndpointConfig, options: EndpointOptions): Endpoint {
  const { upstream, label, clock, metrics, logger, refusals } = options
  const { name, quotaFloor } = upstream
  const project = projectOf(config.url)
  const common = { upstream: name, endpoint: label, quotaFloor, clock, metrics, logger }
  const breaker = createBreaker({
    clock,
    counts: ({ reason }) => reason !== 'rate-limited',
    onOpen({ trouble, until }) {
      const seconds = Math.round((until - clock.now()) / 1000)
      const fields = { upstream: name, endpoint: label, reason: trouble.reason, seconds }
      logger.warn('an endpoint fails and rests', { ...fields, error: trouble.message })
      showUp()
    },
    onClose() {
      logger.info('an endpoint answers again', { upstream: name, endpoint: label })
      showUp()
    },
  })
  const accounts = createAccounts(config, { ...common, sendAs, onChange: showUp })
  const anonymously = sendAs(undefined)
  showUp()

  return {
    rest(isPull) {
      const own = breaker.rest()
      if (own) return own
      const rests = accounts.map((account) => account.rest(isPull))
      return rests.reduce((one, other) => one && other && (other.until < one.until ? other : one))
    },
    remaining: () => byRemaining(accounts)[0]?.remaining(),
    state: () => ({
      label,
      isUp: isUp(),
      rest: breaker.rest(),
      accounts: accounts.map((account) => account.state()),
    }),
    async ask(question, take, limitMs) {
      if (question.asker)
        return askAs(
          toGuest(question.asker, config, { ...options, anonymously }),
          question,
          take,
          limitMs,
        )
      const deadline = clock.now() + limitMs
      let said: unknown
      for (const account of inTurn(question)) {
        try {
          return await askAs(account, question, take, deadline - clock.now())
        } catch (error) {
          // That one is limited leaves open what another's rights would have been.
          if (said === undefined || isLimit(error)) said = error
          // Another account may have pulls left, or see more.
          if (!(isLimit(error) || isDenied(error)) || clock.now() >= deadline) break
        }
      }
      throw said as Error
    },
  }

  /** The accounts that may be asked; else the one that may be asked first. */
  function inTurn(question: Question): readonly Account[] {
    const until = (account: Account): number => account.rest(isCounted(question))?.until ?? 0
    const ready = accounts.filter((account) => until(account) === 0)
    return ready.length > 0
      ? byRemaining(ready)
      : accounts.toSorted((one, other) => until(one) - until(other)).slice(0, 1)
  }

  async function askAs<T>(
    account: Guest,
    question: Question,
    take: Take<T>,
    limitMs: number,
  ): Promise<T> {
    const { method, headers } = question
    // What a caller is refused may be there the next moment, because that very caller pushes it.
    const isRemembered = question.asker?.rights.kind !== 'caller'
    const hop = toHop(config.url, question)
    const key = `refused/${name}/${label}/${account.label}/${method}/${hop.url.href}/${JSON.stringify(headers)}`
    if (isRemembered) await refusals.check(key)
    const exchange = async (): Promise<T> => {
      try {
        const answer = await withTimeLimit(clock, limitMs, name, (signal) =>
          send(account, hop, question, take, signal),
        )
        options.onOutcome(undefined)
        return answer
      } catch (error) {
        const asked = { ...question, upstream: name, endpoint: hop.url }
        const meant =
          error instanceof TokenRefused ? denied(asked, error.message) : toTrouble(name, error)
        options.onOutcome(meant)
        if (isRemembered) await refusals.note(key, meant)
        throw meant
      }
    }
    if (limitMs >= options.fairMs) return breaker.run(() => account.breaker.run(exchange))
    const outcome = exchange()
    // A time-out after so little says nothing, all else does.
    await outcome.catch((error: unknown) => {
      if (error instanceof UpstreamTrouble && error.reason === 'timeout') throw error
    })
    return breaker.run(() => account.breaker.run(() => outcome))
  }

  async function send<T>(
    account: Guest,
    hop: Hop,
    question: Question,
    take: Take<T>,
    signal: AbortSignal,
  ): Promise<T> {
    const { repository, alsoTake, follow } = question
    const scope = `repository:${project}${repository}:pull`
    const sendHop = async (next: Hop): Promise<Response> => {
      const response = await account.send(next, scope, signal)
      if (next.url.origin === hop.url.origin) account.note(response)
      return response
    }
    const { response, from } = await followRedirects(hop, sendHop, follow)
    if (response.status !== 200 && !alsoTake?.includes(response.status)) {
      const asked = { ...question, upstream: name, endpoint: hop.url }
      const verdict = await toVerdict(response, from, asked)
      const isCaller = question.asker?.rights.kind === 'caller'
      throw isCaller ? toCallerVerdict(verdict, response.status, asked) : verdict
    }
    return take(response, signal, from, (what) => {
      breaker.blame(new UpstreamTrouble(name, 'server-error', what))
    })
  }

  function sendAs(credentials: Credentials | undefined): SendAuthorized {
    return createSendAuthorized({ ...options, endpoint: { ...config, credentials } })
  }

  function isUp(): boolean {
    return !breaker.isOpen() && accounts.some((account) => !account.breaker.isOpen())
  }

  function showUp(): void {
    metrics.endpointUp.set(isUp() ? 1 : 0, name, label)
  }
}

function isLimit(error: unknown): boolean {
  return error instanceof UpstreamTrouble && error.reason === 'rate-limited'
}
