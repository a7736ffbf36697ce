import { InvalidValue } from './mistakes.ts'
import { parseSize, sizePattern } from './units.ts'

export const requestRatePattern: RegExp = /^(\d{1,9}(?:\.\d{1,9})?) ?\/ ?([smh])$/
export const bandwidthPattern: RegExp = new RegExp(`${sizePattern.source.slice(0, -1)} ?/ ?s$`)

const mostRequestsPerSecond = 1e6
const mostCounted = 1e6

const seconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 }

/** Per second. */
export function parseRequestRate(text: string): number {
  const [, amount, unit] = requestRatePattern.exec(text) ?? []
  const rate = Number(amount) / (seconds[unit ?? ''] ?? 0)
  if (Number.isNaN(rate) || !Number.isFinite(rate)) {
    throw new InvalidValue('must be a number by a unit of time (s, m, h), such as 10/s or 600/m')
  }
  if (rate > 0 && rate <= mostRequestsPerSecond) return rate
  throw new InvalidValue(`must be more than 0 and at most ${mostRequestsPerSecond}/s`)
}

/** Bytes per second. */
export function parseBandwidth(text: string): number {
  if (!bandwidthPattern.test(text)) {
    throw new InvalidValue('must be a size by the second, such as 20MiB/s')
  }
  const [size = ''] = text.split('/')
  return parseSize(size.trimEnd(), { least: '1KiB', most: '1TiB' })
}

export function parseWholeNumber(text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text) && Number(text) <= mostCounted) return Number(text)
  throw new InvalidValue(`must be a whole number from 1 to ${mostCounted}`)
}
