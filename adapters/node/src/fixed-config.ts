import { isDeepStrictEqual } from 'node:util'
import type { Config } from '@pullway/core/config'

/** What sockets, stores and connections were made of; they live as long as the process. */
const fixed: readonly {
  readonly key: string
  readonly of: (config: Config) => unknown
  readonly keep: (changed: Config, running: Config) => Config
}[] = [
  {
    key: 'listen',
    of: ({ listen }) => listen,
    keep: (changed, { listen }) => ({ ...changed, listen }),
  },
  {
    key: 'cache.blobs',
    of: ({ cache }) => cache.blobs,
    keep: (changed, { cache: { blobs } }) => ({ ...changed, cache: { ...changed.cache, blobs } }),
  },
  {
    key: 'cache.state',
    of: ({ cache }) => cache.state,
    keep: (changed, { cache: { state } }) => ({ ...changed, cache: { ...changed.cache, state } }),
  },
  {
    // Uploads have a time limit of their own.
    key: 'push.enabled',
    of: ({ push }) => push.enabled,
    keep: (changed, { push }) => ({ ...changed, push }),
  },
  {
    key: 'timeouts.connect',
    of: ({ timeouts }) => timeouts.connectMs,
    keep: (changed, { timeouts: { connectMs } }) => ({
      ...changed,
      timeouts: { ...changed.timeouts, connectMs },
    }),
  },
]

/** A changed configuration as a running server can take it, and the keys that wait for a restart. */
export function keepFixed(
  changed: Config,
  running: Config,
): { readonly config: Config; readonly waiting: readonly string[] } {
  const different = fixed.filter(({ of }) => !isDeepStrictEqual(of(changed), of(running)))
  return {
    config: different.reduce((config, { keep }) => keep(config, running), changed),
    waiting: different.map(({ key }) => key),
  }
}
