import { expect, test } from 'vitest'
import {
  formatContentRange,
  parseByteRange,
  parseContentRange,
  resolveByteRange,
} from '../../../core/src/request/byte-range.ts'

const far = Number.MAX_SAFE_INTEGER

test.each([
  ['bytes=0-0', { first: 0, last: 0 }],
  ['bytes=0-499', { first: 0, last: 499 }],
  ['bytes=500-', { first: 500, last: undefined }],
  ['bytes=-500', { suffixLength: 500 }],
  ['bytes=-0', { suffixLength: 0 }],
  ['Bytes = 1 - 2 ', { first: 1, last: 2 }],
  ['bytes=007-008', { first: 7, last: 8 }],
  [`bytes=0-${'9'.repeat(40)}`, { first: 0, last: far }],
  [`bytes=${'9'.repeat(400)}-`, { first: far, last: undefined }],
  [null, undefined],
  ['', undefined],
  ['bytes', undefined],
  ['bytes=', undefined],
  ['bytes=-', undefined],
  ['bytes=5-4', undefined],
  ['bytes=0-1,3-4', undefined],
  ['bytes=0-1, -4', undefined],
  ['items=0-1', undefined],
  ['bytes=a-b', undefined],
  ['bytes=0x1-0x2', undefined],
  ['bytes=1.5-2', undefined],
  ['bytes=--1', undefined],
  ['bytes=+1-2', undefined],
])('Range: %s', (header, range) => {
  expect(parseByteRange(header)).toEqual(range)
})

test.each([
  ['bytes=0-', 10, { first: 0, last: 9 }],
  ['bytes=0-0', 10, { first: 0, last: 0 }],
  ['bytes=9-9', 10, { first: 9, last: 9 }],
  ['bytes=5-100', 10, { first: 5, last: 9 }],
  [`bytes=5-${'9'.repeat(40)}`, 10, { first: 5, last: 9 }],
  ['bytes=-3', 10, { first: 7, last: 9 }],
  ['bytes=-10', 10, { first: 0, last: 9 }],
  ['bytes=-100', 10, { first: 0, last: 9 }],
  ['bytes=10-', 10, undefined],
  ['bytes=10-20', 10, undefined],
  [`bytes=${'9'.repeat(40)}-`, 10, undefined],
  ['bytes=-0', 10, undefined],
  ['bytes=0-', 0, undefined],
  ['bytes=-1', 0, undefined],
] as const)('%s of %i bytes', (header, size, resolved) => {
  expect(resolveByteRange(parseByteRange(header)!, size)).toEqual(resolved)
})

test.each([
  ['bytes 0-9/100', { first: 0, last: 9, size: 100 }],
  [' bytes 5-5/* ', { first: 5, last: 5, size: undefined }],
  ['BYTES 0-9/10', { first: 0, last: 9, size: 10 }],
  [null, undefined],
  ['', undefined],
  ['bytes */100', undefined],
  ['bytes 9-0/100', undefined],
  ['bytes=0-9/100', undefined],
  ['bytes 0-9', undefined],
  ['bytes 0-/100', undefined],
  ['items 0-9/100', undefined],
])('Content-Range: %s', (header, range) => {
  expect(parseContentRange(header)).toEqual(range)
})

test('what is written can be read', () => {
  const range = { first: 3, last: 8 }
  expect(formatContentRange(range, 20)).toBe('bytes 3-8/20')
  expect(parseContentRange(formatContentRange(range, 20))).toEqual({ ...range, size: 20 })
})
