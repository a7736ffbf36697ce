import type { Rest } from '../upstream/breaker.ts'
import type { Quota } from '../upstream/quota.ts'
import type { AccountState, EndpointState, UpstreamState } from '../upstream/state.ts'
import type {
  AccountAnswer,
  EndpointAnswer,
  QuotaAnswer,
  RestAnswer,
  UpstreamAnswer,
} from './answers.ts'

/** An upstream as the API shows it: each field is named here, so that no other gets out. */
export function toUpstreamAnswer({
  config,
  isAsked,
  isScarce,
  endpoints,
}: UpstreamState): UpstreamAnswer {
  return {
    name: config.name,
    default: config.isDefault,
    asked: isAsked,
    quotaFloor: config.quotaFloor,
    scarce: isScarce,
    endpoints: endpoints.map(toEndpointAnswer),
  }
}

function toEndpointAnswer({ label, isUp, rest, accounts }: EndpointState): EndpointAnswer {
  return {
    endpoint: label,
    up: isUp ?? null,
    rest: toRestAnswer(rest),
    accounts: accounts.map(toAccountAnswer),
  }
}

function toAccountAnswer({ isAnonymous, quota, rest }: AccountState, index: number): AccountAnswer {
  return {
    place: index + 1,
    anonymous: isAnonymous,
    quota: toQuotaAnswer(quota),
    rest: toRestAnswer(rest),
  }
}

function toQuotaAnswer(quota: Quota | undefined): QuotaAnswer | null {
  if (!quota) return null
  const { limit = null, remaining = null, endsAt } = quota
  return { limit, remaining, until: toTime(endsAt) }
}

function toRestAnswer(rest: Rest | undefined): RestAnswer | null {
  if (!rest) return null
  const { reason, message } = rest.trouble
  return { until: toTime(rest.until), reason, message: message }
}

function toTime(epochMs: number): string {
  return new Date(epochMs).toISOString()
}
