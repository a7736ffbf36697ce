import { expect, test } from 'vitest'
import { etagOf, isNotModified, isRangeStillValid } from '../../../core/src/request/conditional.ts'
import { digestOf, makeBytes } from '../../contract/content.ts'

const digest = digestOf(makeBytes(10))
const other = digestOf(makeBytes(11))
const etag = `"${digest}"`

test('the entity tag is the digest', () => {
  expect(etagOf(digest)).toBe(etag)
})

test.each([
  [null, false],
  ['', false],
  [etag, true],
  [`W/${etag}`, true],
  [` ${etag} `, true],
  ['*', true],
  [' * ', true],
  [`"${other}", ${etag}`, true],
  [`"${other}",W/${etag}`, true],
  [`"${other}"`, false],
  [digest, false],
  [`"${digest}`, false],
  ['"*"', false],
])('If-None-Match: %s', (header, isUnchanged) => {
  expect(isNotModified(header, digest)).toBe(isUnchanged)
})

test.each([
  [null, true],
  [etag, true],
  [` ${etag} `, true],
  [`W/${etag}`, false],
  [`"${other}"`, false],
  [digest, false],
  ['*', false],
  ['', false],
  ['Sat, 21 Nov 2026 00:00:00 GMT', false],
])('If-Range: %s', (header, isValid) => {
  expect(isRangeStillValid(header, digest)).toBe(isValid)
})
