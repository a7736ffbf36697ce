import { InvalidValue } from './mistakes.ts'

export const durationPattern: RegExp = /^(\d{1,15}(?:\.\d{1,9})?) ?(ms|s|m|h|d)$/
export const sizePattern: RegExp = /^(\d{1,15}(?:\.\d{1,9})?) ?(B|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$/

export const countPattern: RegExp = /^\d{1,9}$/

interface Limits {
  readonly least: string
  readonly most: string
}

const milliseconds: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

const bytes: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
}

/** In milliseconds. */
export function parseDuration(text: string, limits: Limits): number {
  const form = 'must be a number with a unit of time (ms, s, m, h, d), such as 500ms or 60s'
  return parseQuantity(text, limits, { pattern: durationPattern, factors: milliseconds, form })
}

export function parseCount(text: string): number {
  if (countPattern.test(text)) return Number(text)
  throw new InvalidValue('must be a whole number, such as 10')
}

/** In bytes. */
export function parseSize(text: string, limits: Limits): number {
  const form =
    'must be a number with a unit of size (B, KiB, MiB, GiB, TiB or KB, MB, GB, TB), such as 50GiB'
  return parseQuantity(text, limits, { pattern: sizePattern, factors: bytes, form })
}

interface Unit {
  readonly pattern: RegExp
  readonly factors: Readonly<Record<string, number>>
  readonly form: string
}

function parseQuantity(text: string, { least, most }: Limits, unit: Unit): number {
  const quantity = toNumber(text, unit)
  if (quantity === undefined) throw new InvalidValue(unit.form)
  const outside = quantity < (toNumber(least, unit) ?? 0) || quantity > (toNumber(most, unit) ?? 0)
  if (outside) throw new InvalidValue(`must be from ${least} to ${most}`)
  return Math.floor(quantity)
}

function toNumber(text: string, { pattern, factors }: Unit): number | undefined {
  const [, amount, unit] = pattern.exec(text) ?? []
  const factor = factors[unit ?? '']
  return factor === undefined ? undefined : Number(amount) * factor
}
