import { describe, expect, test } from 'vitest'
import { FetchError } from '@pullway/core'
import { RegistryError } from '../../../core/src/errors.ts'
import {
  ownWords,
  toClientError,
  toTrouble,
  UpstreamTrouble,
} from '../../../core/src/upstream/trouble.ts'

test.each([
  ['timeout', 'timeout', false],
  ['unreachable', 'unreachable', false],
  ['forbidden-address', 'server-error', false],
  ['exhausted', 'unreachable', true],
] as const)('a fetch that fails with %s is %s, of our own: %s', (failure, reason, isOurs) => {
  const cause = new FetchError(failure, 'what happened')
  expect(toTrouble('docker.io', cause)).toMatchObject({
    name: 'UpstreamTrouble',
    upstream: 'docker.io',
    reason,
    message: 'what happened',
    isOurs,
    cause,
  })
})

test('other errors stay what they are', () => {
  for (const error of [new RegistryError('DENIED', 'no'), new Error('x'), 'text'])
    expect(toTrouble('docker.io', error)).toBe(error)
})

describe('as a client is told (clients.md, section 8)', () => {
  const audience = { hasFallback: false, retriesBlobsFor75s: false, isBlob: false }
  test.each([
    ['timeout', {}, 504, 'UNAVAILABLE'],
    ['unreachable', {}, 503, 'UNAVAILABLE'],
    ['server-error', {}, 503, 'UNAVAILABLE'],
    ['timeout', { isBlob: true }, 504, 'UNAVAILABLE'],
    ['server-error', { isBlob: true }, 503, 'UNAVAILABLE'],
    ['server-error', { isBlob: true, retriesBlobsFor75s: true }, 404, 'BLOB_UNKNOWN'],
    ['timeout', { isBlob: true, retriesBlobsFor75s: true }, 404, 'BLOB_UNKNOWN'],
    ['server-error', { retriesBlobsFor75s: true }, 503, 'UNAVAILABLE'],
    ['rate-limited', { isBlob: true, retriesBlobsFor75s: true }, 429, 'TOOMANYREQUESTS'],
    ['rate-limited', {}, 429, 'TOOMANYREQUESTS'],
  ] as const)('%s, %j: %i %s', (reason, given, status, code) => {
    const trouble = new UpstreamTrouble('docker.io', reason, 'it answered oddly')
    const error = toClientError(trouble, { ...audience, ...given })
    expect(error).toMatchObject({ status, code, cause: trouble })
    expect(error.message).toContain('docker.io')
    expect(error.message).toContain('it answered oddly')
  })

  test('what this mirror lacks is said of this mirror', () => {
    const trouble = new UpstreamTrouble('docker.io', 'unreachable', 'EMFILE', { isOurs: true })
    const { message, status } = toClientError(trouble, audience)
    expect([status, message]).toEqual([
      503,
      'docker.io cannot be asked (EMFILE), and this mirror has no copy: try again later',
    ])
  })

  test.each([
    [undefined, false, '60'],
    [5, false, '5'],
    [0, false, '1'],
    [3_600, false, '60'],
    [undefined, true, '1'],
    [30, true, '1'],
  ])(
    'told to wait %s, with another place to go: %s, it is Retry-After: %s',
    (seconds, has, told) => {
      const trouble = new UpstreamTrouble('docker.io', 'rate-limited', '429', {
        retryAfterSeconds: seconds,
      })
      const { headers } = toClientError(trouble, { ...audience, hasFallback: has })
      expect(headers['retry-after']).toBe(told)
    },
  )
})

test.each([
  ['{"errors":[{"code":"DENIED","message":"no access"}]}', '"no access"'],
  ['{"details":"incorrect username or password"}\n', '"incorrect username or password"'],
  ['{"errors":[]}', ''],
  ['{"errors":[{"message":""}]}', ''],
  ['{"errors":[{"message":{"a":1}}]}', ''],
  ['{"errors":"x"}', ''],
  ['<html>', ''],
  ['null', ''],
  ['', ''],
  ['{"errors":[{"message":"a\\nb\\u001b[1m"}]}', '"a?b?[1m"'],
  [`{"errors":[{"message":"${'x'.repeat(200)}"}]}`, `"${'x'.repeat(80)}..."`],
])('the words of %s are %s', (body, words) => {
  expect(ownWords(body)).toBe(words)
})
