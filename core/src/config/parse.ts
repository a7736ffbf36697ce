import { toCache } from './cache.ts'
import type { Config, Timeouts } from './config.ts'
import { readDocument } from './document.ts'
import type { Environment } from './interpolate.ts'
import { toListen } from './listen.ts'
import { createReport } from './mistakes.ts'
import { itemsOf } from './schema.ts'
import type { GivenConfig } from './schema.ts'
import { toGivenConfig } from './shape.ts'
import { toUpstreams } from './upstreams.ts'

export interface ConfigSource {
  /** How mistakes name the document. */
  readonly file: string
  readonly environment: Environment
}

/** Throws a ConfigError that names all mistakes. */
export function parseConfig(text: string, { file, environment }: ConfigSource): Config {
  const report = createReport(file)
  const given = toGivenConfig(readDocument(text, environment, report), report)
  const config: Config = {
    listen: toListen(given.listen, environment, report),
    publicUrl: given.publicUrl,
    trustedProxies: itemsOf(given.trustedProxies),
    upstreams: toUpstreams(given, report),
    cache: toCache(given.cache ?? {}, report),
    timeouts: toTimeouts(given.timeouts ?? {}),
    access: {
      networks: { allow: [], deny: [] },
      userAgents: { deny: [] },
      images: { allow: undefined, deny: [], message: undefined },
      users: undefined,
      rules: [],
      admins: [],
    },
    limits: { requests: undefined, connections: undefined, bandwidthBytesPerSecond: undefined },
    push: { enabled: false },
    log: { format: given.log?.format ?? 'main', level: given.log?.level ?? 'info' },
  }
  report.throwIfAny()
  return config
}

export function defaultConfig(environment: Environment = {}): Config {
  return parseConfig('', { file: 'the built-in defaults', environment })
}

function toTimeouts(given: NonNullable<GivenConfig['timeouts']>): Timeouts {
  return {
    connectMs: given.connect ?? 5000,
    firstByteMs: given.firstByte ?? 10_000,
    idleMs: given.idle ?? 30_000,
    answerMs: given.answer ?? 14_000,
  }
}
