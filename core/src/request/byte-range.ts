import type { ByteRange } from '../ports.ts'

/** One range as asked for, before the blob's size is known (RFC 9110, section 14.1.2). */
export type RangeRequest =
  { readonly first: number; readonly last: number | undefined } | { readonly suffixLength: number }

const rangePattern = /^bytes[ \t]*=[ \t]*(\d*)[ \t]*-[ \t]*(\d*)[ \t]*$/i

/**
 * Reads a Range header. Undefined for none, another unit, several ranges or nonsense: all of these are
 * answered with the whole (RFC 9110, section 14.2, lets a server ignore them; podman takes it).
 */
export function parseByteRange(header: string | null): RangeRequest | undefined {
  const match = header === null ? null : rangePattern.exec(header)
  if (!match) return undefined
  const [, first, last] = match
  if (first === '') return last === '' ? undefined : { suffixLength: toPosition(last) }
  const range = { first: toPosition(first), last: last === '' ? undefined : toPosition(last) }
  return range.last !== undefined && range.last < range.first ? undefined : range
}

/** The range within a blob of `size` bytes; undefined when it cannot be satisfied (416). */
export function resolveByteRange(range: RangeRequest, size: number): ByteRange | undefined {
  if ('suffixLength' in range) {
    if (range.suffixLength === 0 || size === 0) return undefined
    return { first: Math.max(0, size - range.suffixLength), last: size - 1 }
  }
  if (range.first >= size) return undefined
  return { first: range.first, last: Math.min(range.last ?? size - 1, size - 1) }
}

export function formatContentRange(range: ByteRange, size: number): string {
  return `bytes ${String(range.first)}-${String(range.last)}/${String(size)}`
}

/** Reads `bytes first-last/size` of an upstream's 206; `size` is undefined for `*`. */
export function parseContentRange(
  header: string | null,
): { first: number; last: number; size: number | undefined } | undefined {
  const match = header === null ? null : /^bytes[ \t]+(\d+)-(\d+)\/(\d+|\*)$/i.exec(header.trim())
  if (!match) return undefined
  const [first, last] = [toPosition(match[1]), toPosition(match[2])]
  const size = match[3] === '*' ? undefined : toPosition(match[3])
  return last < first ? undefined : { first, last, size }
}

/** Digits beyond what a number holds exactly mean "past any end". */
function toPosition(digits: string | undefined): number {
  return Math.min(Number(digits), Number.MAX_SAFE_INTEGER)
}
