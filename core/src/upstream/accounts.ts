import type { Credentials, EndpointConfig } from '../config/config.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Clock, Logger } from '../ports.ts'
import type { SendAuthorized } from './authorize.ts'
import { type Breaker, createBreaker, type Rest } from './breaker.ts'
import { type Quota, readQuota } from './quota.ts'
import type { AccountState } from './state.ts'
import { UpstreamTrouble } from './trouble.ts'

/** One user of an endpoint, with what it may still pull; without credentials, the mirror's own address. */
export interface Account {
  /** Its place, from 1; empty where there is one only. No name: it goes to metrics and logs. */
  readonly label: string
  readonly send: SendAuthorized
  readonly breaker: Breaker
  /** Reads what an answer says of the quota. */
  note(response: Response): void
  /** Pulls that are left; undefined where nothing is known. */
  remaining(): number | undefined
  /** Why a question should not go to it; undefined where it may. */
  rest(isCounted: boolean): Rest | undefined
  state(): AccountState
}

export interface AccountsOptions {
  readonly upstream: string
  readonly endpoint: string
  readonly quotaFloor: number
  readonly sendAs: (credentials: Credentials | undefined) => SendAuthorized
  readonly clock: Clock
  readonly metrics: Metrics
  readonly logger: Logger
  readonly onChange: () => void
}

export function createAccounts(
  config: EndpointConfig,
  options: AccountsOptions,
): readonly [Account, ...Account[]] {
  const [first, ...others] = usersOf(config)
  const label = (place: number): string => (others.length === 0 ? '' : String(place))
  return [
    createAccount(first, label(1), options),
    ...others.map((other, index) => createAccount(other, label(index + 2), options)),
  ]
}

/** Who asks an endpoint: undefined for nobody, where no account is configured. */
export function usersOf({
  credentials,
  accounts,
}: EndpointConfig): readonly [Credentials | undefined, ...Credentials[]] {
  const [first, ...others] = credentials ? [credentials, ...accounts] : accounts
  return [first, ...others]
}

/** Most left first; of whom nothing is known, or who has no limit, before all others. */
export function byRemaining(accounts: readonly Account[]): readonly Account[] {
  const left = (account: Account): number => account.remaining() ?? Infinity
  return accounts.toSorted((one, other) =>
    left(one) === left(other) ? 0 : left(other) - left(one),
  )
}

function createAccount(
  credentials: Credentials | undefined,
  label: string,
  options: AccountsOptions,
): Account {
  const { upstream, endpoint, quotaFloor, clock, metrics, logger, onChange } = options
  let quota: Quota | undefined
  let windowMs = 0
  let wasLow = false
  let wasEmpty = false
  const place = { upstream, endpoint, account: label === '' ? undefined : label }
  const breaker = createBreaker({
    clock,
    counts: ({ reason }) => reason === 'rate-limited',
    onOpen({ until }) {
      const seconds = Math.round((until - clock.now()) / 1000)
      logger.warn('an upstream limits its pulls', { ...place, seconds })
      onChange()
    },
    onClose() {
      logger.info('an upstream takes pulls again', place)
      onChange()
    },
  })
  const current = (): Quota | undefined => {
    const leftMs = (quota?.endsAt ?? 0) - clock.now()
    // With more left than there was, the clock has been set back.
    return leftMs > 0 && leftMs <= windowMs ? quota : undefined
  }
  const remaining = (): number | undefined => current()?.remaining

  return {
    label,
    send: options.sendAs(credentials),
    breaker,
    remaining,
    note(response) {
      const told = readQuota(response, clock.now())
      if (!told) return
      quota = told
      windowMs = told.endsAt - clock.now()
      if (told.limit !== undefined) metrics.quotaLimit.set(told.limit, upstream, endpoint, label)
      if (told.remaining === undefined) return
      metrics.quotaRemaining.set(told.remaining, upstream, endpoint, label)
      report(told.remaining, told.limit)
    },
    rest,
    state: () => ({
      isAnonymous: credentials === undefined,
      quota: current(),
      rest: rest(true),
    }),
  }

  function rest(isCounted: boolean): Rest | undefined {
    const own = breaker.rest()
    if (own || !isCounted || remaining() !== 0 || !quota) return own
    const trouble = new UpstreamTrouble(upstream, 'rate-limited', 'its quota is used up')
    return { until: quota.endsAt, isStated: false, trouble }
  }

  /** Once when it falls, not with each answer. */
  function report(left: number, limit: number | undefined): void {
    const isLow = left === 0 || left < quotaFloor
    const fields = { ...place, remaining: left, limit }
    if (left === 0 && !wasEmpty) logger.warn('the quota of an upstream is used up', fields)
    else if (isLow && !wasLow) logger.warn('the quota of an upstream is below its floor', fields)
    wasLow = isLow
    wasEmpty = left === 0
  }
}
