import type { EndpointConfig, UpstreamConfig } from '../config/config.ts'
import type { Account } from './accounts.ts'
import type { Asker } from './asker.ts'
import { type SendAuthorized, withAuthorization } from './authorize.ts'
import type { Send } from './exchange.ts'
import { isOwnHost } from './trust.ts'

/** Who asks an endpoint: one of its accounts, or somebody else. */
export interface Guest extends Pick<Account, 'label' | 'send' | 'note'> {
  readonly breaker: Pick<Account['breaker'], 'run'>
}

export interface GuestOptions {
  readonly upstream: UpstreamConfig
  readonly send: Send
  /** The endpoint's own dance, with nobody's credentials. */
  readonly anonymously: SendAuthorized
}

/** Somebody whose limits and refusals are its own, and say nothing of the operator's accounts. */
export function toGuest(
  { key, rights }: Asker,
  { url }: EndpointConfig,
  { upstream, send, anonymously }: GuestOptions,
): Guest {
  const own = new URL(url)
  const network = isOwnHost(own, upstream) ? 'any' : 'public'
  return {
    label: key,
    send: (hop, scope, signal) =>
      // A caller's token is for this origin, and is all that this origin gets.
      rights.kind === 'caller' && hop.url.origin === own.origin
        ? send(withAuthorization(hop, rights.header), network, signal)
        : anonymously(hop, scope, signal),
    breaker: { run: (work) => work() },
    note: () => undefined,
  }
}

/** Whether the operator sees more at an endpoint than anybody. */
export function hasAccount(endpoint: EndpointConfig | undefined): boolean {
  return endpoint?.credentials !== undefined || (endpoint?.accounts.length ?? 0) > 0
}
