import type { Config } from './config.ts'
import { parseHostAndPort } from './hosts.ts'
import type { Environment } from './interpolate.ts'
import { InvalidValue } from './mistakes.ts'
import type { Report } from './mistakes.ts'

export type Listen = Config['listen']

const defaultListen: Listen = { host: '127.0.0.1', port: 5000 }
const allAddresses = '::'

/** `host:port`, `[::1]:5000`, `:5000` for every address; port 0 lets the system choose. The host has no brackets. */
export function parseListen(text: string): Listen {
  const [, host = '', digits = ''] = /^(.*):(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  if (digits === '' || port > 65535) {
    throw new InvalidValue(
      'must be host:port, such as 127.0.0.1:5000 or "[::1]:5000", or :5000 for every address',
    )
  }
  if (host === '' || host === '*') return { host: allAddresses, port }
  return { host: parseHostAndPort(host).host.replace(/^\[|\]$/g, ''), port }
}

/**
 * PULLWAY_LISTEN replaces `listen`. PORT replaces its port; where no host is configured it opens every
 * address, as the platforms that set PORT expect.
 */
export function toListen(
  configured: Listen | undefined,
  environment: Environment,
  report: Report,
): Listen {
  const variable = (name: string, parse: (text: string) => Listen): Listen | undefined => {
    const text = environment[name]
    if (text === undefined || text === '') return undefined
    try {
      return parse(text)
    } catch (error) {
      if (!(error instanceof InvalidValue)) throw error
      report.addVariable(name, error.message)
      return undefined
    }
  }
  return (
    variable('PULLWAY_LISTEN', parseListen) ??
    variable('PORT', (text) => ({
      host: configured?.host ?? allAddresses,
      port: parsePort(text),
    })) ??
    configured ??
    defaultListen
  )
}

function parsePort(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65535) return Number(text)
  throw new InvalidValue('must be a port number from 0 to 65535')
}
