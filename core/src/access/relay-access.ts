import type { Config, UpstreamConfig } from '../config/config.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Ports } from '../ports.ts'
import type { Route, Router } from '../route.ts'
import { createSend, type Send } from '../upstream/exchange.ts'
import { createRealms } from '../upstream/realm.ts'
import { createRelayLogin, type RelayLogin } from '../upstream/relay-login.ts'
import { type Callers, createCallers } from './callers.ts'
import { createGrants, type Grants } from './grants.ts'
import { createRelay, type Relay } from './relay.ts'

export interface RelayAccessOptions {
  readonly config: Config
  readonly ports: Pick<Ports, 'fetch' | 'clock' | 'createHasher' | 'state' | 'volatile'>
  readonly metrics: Metrics
  readonly router: Router
  /** What the operator's image lists allow. */
  readonly mayAsk: (route: Route) => boolean
}

/** All that stands between clients and the upstreams at which they have accounts of their own. */
export interface RelayAccess extends Relay, Callers {
  readonly grants: Grants
  readonly sendTo: (upstream: UpstreamConfig) => Send
}

export function createRelayAccess(options: RelayAccessOptions): RelayAccess {
  const { config, ports, metrics } = options
  const { fetch, clock, createHasher, state, volatile } = ports
  const { timeouts } = config
  const grants = createGrants({ volatile, clock, createHasher })
  const sends = new Map<string, Send>()
  const logins = new Map<string, RelayLogin>()

  const sendTo = (upstream: UpstreamConfig): Send => {
    const { name } = upstream
    const known = sends.get(name) ?? createSend(name, { fetch, clock, timeouts, metrics })
    sends.set(name, known)
    return known
  }
  const loginTo = (upstream: UpstreamConfig): RelayLogin => {
    const known = logins.get(upstream.name) ?? makeLogin(upstream)
    logins.set(upstream.name, known)
    return known
  }
  const makeLogin = (upstream: UpstreamConfig): RelayLogin => {
    const [endpoint] = upstream.endpoints
    if (!endpoint) throw new Error(`upstream ${upstream.name} has no endpoint`)
    const send = sendTo(upstream)
    const realms = createRealms({ upstream, endpoint, send, state })
    return createRelayLogin({ upstream, realms, send, clock, limitMs: timeouts.answerMs })
  }

  return {
    grants,
    sendTo,
    ...createRelay({ ...options, loginTo, grants, createHasher }),
    ...createCallers({ loginTo, clock, createHasher }),
  }
}
