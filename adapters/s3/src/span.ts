import type { ByteRange } from '@pullway/core'

export interface Span {
  /** The object's. */
  readonly size: number
  /** The body's. */
  readonly bytes: number
}

export function rangeHeader({ first, last }: ByteRange): string {
  return `bytes=${first}-${last}`
}

/** What an answer carries, where it is what was asked for; a RangeError where the object is too short. */
export function spanOf(answer: Response, range?: ByteRange): Span {
  if (range === undefined) {
    const size = lengthOf(answer)
    return { size, bytes: size }
  }
  const { first, last } = range
  const given = answer.status === 416 ? undefined : givenBy(answer)
  if (given === undefined || last >= given.size) {
    throw new RangeError(`No bytes ${first}-${last} of ${given?.size ?? 'an object so short'}`)
  }
  if (given.first !== first || given.last !== last) {
    throw new Error(`S3 gave bytes ${given.first}-${given.last} instead of ${first}-${last}`)
  }
  return { size: given.size, bytes: last - first + 1 }
}

interface Given extends ByteRange {
  readonly size: number
}

function givenBy(answer: Response): Given {
  if (answer.status === 200) {
    const size = lengthOf(answer)
    return { first: 0, last: size - 1, size }
  }
  const header = answer.headers.get('content-range') ?? ''
  const [first, last, size] = (/^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(header) ?? [])
    .slice(1)
    .map(Number)
  if (first === undefined || last === undefined || size === undefined) {
    throw new Error('S3 gave a range without a valid Content-Range')
  }
  return { first, last, size }
}

function lengthOf({ status, headers }: Response): number {
  const length = headers.get('content-length') ?? ''
  if (status !== 200 || !/^\d{1,15}$/.test(length)) {
    throw new Error(`S3 gave an object without its length, with status ${status}`)
  }
  return Number(length)
}
