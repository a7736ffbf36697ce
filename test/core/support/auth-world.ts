import { createMemoryKeyValue } from '@pullway/memory'
import type { Credentials, UpstreamConfig } from '../../../core/src/config/config.ts'
import { createMetrics } from '../../../core/src/observe/metrics.ts'
import { createSendAuthorized } from '../../../core/src/upstream/authorize.ts'
import { createSend } from '../../../core/src/upstream/exchange.ts'
import { createTokenSource } from '../../../core/src/upstream/token.ts'
import { createFakeClock } from '../../fakes/clock.ts'
import { createHasher } from './hashing.ts'
import { createScriptedFetch, type Play } from './scripted-fetch.ts'
import { timeouts, upstreamConfig } from './upstream-config.ts'

export interface AuthWorldOptions {
  readonly play: Play
  readonly credentials?: Credentials
  readonly upstream?: Partial<UpstreamConfig>
}

/** What stands between an upstream and the network, with nothing remembered yet. */
export function createAuthWorld({ play, credentials, upstream = {} }: AuthWorldOptions) {
  const endpoint = { url: 'https://registry.example.com/v2', credentials, accounts: [] }
  const config = upstreamConfig({ endpoints: [endpoint], ...upstream })
  const clock = createFakeClock()
  const state = createMemoryKeyValue({ clock })
  const volatile = createMemoryKeyValue({ clock })
  const script = createScriptedFetch(play)
  const metrics = createMetrics()
  const send = createSendAuthorized({
    upstream: config,
    endpoint: config.endpoints[0]!,
    send: createSend(config.name, { fetch: script.fetch, clock, timeouts, metrics }),
    tokens: createTokenSource({ volatile, createHasher, clock, limitMs: timeouts.answerMs }),
    state,
  })
  return {
    clock,
    state,
    script,
    get: (url: string, scope = 'repository:app:pull'): Promise<Response> =>
      send({ method: 'GET', url: new URL(url), headers: {} }, scope),
    /** Where each request went, and what it carried. */
    trail: () =>
      script.calls.map(({ url, headers }) => {
        const authorization = headers.get('authorization')
        return `${url.host}${url.pathname}${authorization === null ? '' : ` ${authorization}`}`
      }),
  }
}
