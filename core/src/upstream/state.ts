import type { EndpointConfig, UpstreamConfig } from '../config/config.ts'
import { usersOf } from './accounts.ts'
import type { Rest } from './breaker.ts'
import type { Quota } from './quota.ts'

/** How an upstream fares, as far as this process knows: for people, so without anybody's name or password. */
export interface UpstreamState {
  readonly config: UpstreamConfig
  /** Whether anything has been asked of it since the start; else all is as configured. */
  readonly isAsked: boolean
  /** It has fewer pulls left than its floor: stale tags are rather served. */
  readonly isScarce: boolean
  readonly endpoints: readonly EndpointState[]
}

export interface EndpointState {
  /** As metrics and logs name it. */
  readonly label: string
  /** Undefined: not asked yet. */
  readonly isUp: boolean | undefined
  readonly rest: Rest | undefined
  /** In the order of the configuration. */
  readonly accounts: readonly AccountState[]
}

export interface AccountState {
  readonly isAnonymous: boolean
  /** Undefined: it has told none, or its window is over. */
  readonly quota: Quota | undefined
  readonly rest: Rest | undefined
}

export function toUnaskedState(config: UpstreamConfig): UpstreamState {
  const labels = labelsOf(config.endpoints)
  const endpoints = config.endpoints.map((endpoint, index) => ({
    label: labels[index] ?? '',
    isUp: undefined,
    rest: undefined,
    accounts: usersOf(endpoint).map((one) => ({
      isAnonymous: one === undefined,
      quota: undefined,
      rest: undefined,
    })),
  }))
  return { config, isAsked: false, isScarce: false, endpoints }
}

/** Each endpoint's host, with the path where two of them share one. */
export function labelsOf(endpoints: readonly EndpointConfig[]): readonly string[] {
  const urls = endpoints.map(({ url }) => new URL(url))
  return urls.map(({ host, pathname }) => {
    const isAlone = urls.filter((url) => url.host === host).length === 1
    return isAlone ? host : `${host}${pathname.replace(/^\/v2(?=\/|$)/, '')}`
  })
}
