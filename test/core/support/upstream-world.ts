import { createMemoryKeyValue } from '@pullway/memory'
import type { UpstreamConfig } from '../../../core/src/config/config.ts'
import { createMetrics, type Metrics } from '../../../core/src/observe/metrics.ts'
import { createUpstream, type Upstream } from '../../../core/src/upstream/upstream.ts'
import { createMemoryLogger, type MemoryLogger } from '../../contract/memory-logger.ts'
import { createFakeClock, type FakeClock } from '../../fakes/clock.ts'
import { createHasher } from './hashing.ts'
import { createScriptedFetch, type Play, type ScriptedFetch } from './scripted-fetch.ts'
import { timeouts, upstreamConfig } from './upstream-config.ts'

export interface UpstreamWorld {
  readonly clock: FakeClock
  readonly metrics: Metrics
  readonly logger: MemoryLogger
  readonly script: ScriptedFetch
  readonly upstream: Upstream
  /** When an answer must be there if the question comes now. */
  readonly deadline: () => number
}

/** A whole upstream on a scripted network, with a clock that stands still. */
export function createUpstreamWorld(
  play: Play,
  config: Partial<UpstreamConfig> = {},
): UpstreamWorld {
  const clock = createFakeClock()
  const metrics = createMetrics()
  const logger = createMemoryLogger()
  const script = createScriptedFetch(play)
  const upstream = createUpstream(upstreamConfig(config), {
    fetch: script.fetch,
    clock,
    createHasher,
    state: createMemoryKeyValue({ clock }),
    volatile: createMemoryKeyValue({ clock }),
    timeouts,
    metrics,
    logger,
  })
  return {
    clock,
    logger,
    metrics,
    script,
    upstream,
    deadline: () => clock.now() + timeouts.answerMs,
  }
}
