import { toAccess } from './access.ts'
import { toCache } from './cache.ts'
import type { Config, Timeouts } from './config.ts'
import { readDocument } from './document.ts'
import type { Environment } from './interpolate.ts'
import { toLimits } from './limits.ts'
import { toListen } from './listen.ts'
import { createReport } from './mistakes.ts'
import type { Report } from './mistakes.ts'
import type { GivenConfig } from './schema.ts'
import { itemsOf } from './values.ts'
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
  const upstreams = toUpstreams(given, report)
  const config: Config = {
    listen: toListen(given.listen, environment, report),
    publicUrl: given.publicUrl,
    trustedProxies: itemsOf(given.trustedProxies),
    upstreams,
    cache: toCache(given.cache ?? {}, report),
    timeouts: toTimeouts(given.timeouts ?? {}),
    shutdown: {
      drainMs: given.shutdown?.drain ?? 0,
      finishMs: given.shutdown?.finish ?? 30_000,
    },
    access: toAccess(given, upstreams, report),
    limits: toLimits(given.limits ?? {}, report),
    push: toPush(given.push ?? {}, upstreams, report),
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

function toPush(
  { enabled = false }: NonNullable<GivenConfig['push']>,
  upstreams: Config['upstreams'],
  report: Report,
): Config['push'] {
  const hasRelay = [...upstreams.values()].some((one) => one.clientCredentials === 'relay')
  if (enabled && !hasRelay) {
    report.add(
      ['push', 'enabled'],
      'needs an upstream with clientCredentials: relay: who pushes does it with an account there',
    )
  }
  return { enabled }
}
