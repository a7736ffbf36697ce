import { describe, expect, test } from 'vitest'
import {
  algorithmOf,
  formatReference,
  isDigest,
  parseDigest,
  parseName,
  parseReference,
  quote,
} from '../../../core/src/request/reference.ts'
import { caught } from '../support/caught.ts'

const sha256 = `sha256:${'0123456789abcdef'.repeat(4)}` as const
const sha512 = `sha512:${'0123456789abcdef'.repeat(8)}` as const

describe('names', () => {
  test.each([
    'a',
    '0',
    'library/nginx',
    'a/b/c/d/e',
    'a.b/c_d/e__f/g-h/i---j',
    'foo--bar',
    'v2/manifests',
    `${'a/'.repeat(127)}b`,
  ])('%s', (name) => {
    expect(parseName(name)).toBe(name)
  })

  test.each([
    '',
    '/',
    'a/',
    '/a',
    'a//b',
    'A/b',
    'a/B',
    '-a',
    'a-',
    'a.',
    '.a',
    '_a',
    'a___b',
    'a..b',
    'a._b',
    '../a',
    'a/../b',
    'a b',
    'a%2Fb',
    'a\nb',
    'a:b',
    'ä',
    'a/b\n',
    `${'a/'.repeat(127)}bc`,
    'a'.repeat(256),
  ])('not %j', (name) => {
    expect(caught(() => parseName(name))).toMatchObject({ code: 'NAME_INVALID', status: 400 })
  })
})

describe('references', () => {
  test.each(['latest', '1', '_x', 'V1.2-rc_3', 'a'.repeat(128)])('the tag %s', (tag) => {
    expect(parseReference(tag)).toEqual({ type: 'tag', tag })
    expect(formatReference({ type: 'tag', tag })).toBe(tag)
  })

  test.each([sha256, sha512])('the digest %s', (digest) => {
    expect(parseReference(digest)).toEqual({ type: 'digest', digest })
    expect(formatReference({ type: 'digest', digest })).toBe(digest)
    expect(isDigest(digest)).toBe(true)
  })

  test.each([
    ['', 'TAG_INVALID'],
    ['-a', 'TAG_INVALID'],
    ['.a', 'TAG_INVALID'],
    ['a'.repeat(129), 'TAG_INVALID'],
    ['a b', 'TAG_INVALID'],
    ['a+b', 'TAG_INVALID'],
    ['latest\n', 'TAG_INVALID'],
    ['sha256:', 'DIGEST_INVALID'],
    [sha256.slice(0, -1), 'DIGEST_INVALID'],
    [`${sha256}0`, 'DIGEST_INVALID'],
    [`${sha256}\n`, 'DIGEST_INVALID'],
    [sha256.toUpperCase(), 'DIGEST_INVALID'],
    [sha256.replace('f', 'F'), 'DIGEST_INVALID'],
    [sha256.replace('sha256', 'sha512'), 'DIGEST_INVALID'],
    [sha512.replace('sha512', 'sha256'), 'DIGEST_INVALID'],
    [sha256.replace('sha256', 'md5'), 'DIGEST_INVALID'],
    [sha256.replace('sha256', 'sha384'), 'DIGEST_INVALID'],
    [`latest@${sha256}`, 'DIGEST_INVALID'],
  ])('not %j: %s', (text, code) => {
    expect(caught(() => parseReference(text))).toMatchObject({ code, status: 400 })
  })

  test('a digest is no tag and a tag is no digest', () => {
    expect(caught(() => parseDigest('latest'))).toMatchObject({ code: 'DIGEST_INVALID' })
    expect(isDigest('latest')).toBe(false)
  })
})

test.each([
  [sha256, 'sha256'],
  [sha512, 'sha512'],
] as const)('the algorithm of %s', (digest, algorithm) => {
  expect(algorithmOf(digest)).toBe(algorithm)
})

test.each([
  ['a', '"a"'],
  ['a\r\nb\u0000c\u001b[31m', '"a??b?c?[31m"'],
  ['a\u0085\u2028b\u2029', '"a??b?"'],
  ['x'.repeat(80), `"${'x'.repeat(80)}"`],
  ['x'.repeat(81), `"${'x'.repeat(80)}..."`],
])('%j is quoted on one short line', (text, quoted) => {
  expect(quote(text)).toBe(quoted)
})
