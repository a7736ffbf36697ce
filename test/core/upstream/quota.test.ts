import { expect, test } from 'vitest'
import { parseQuota, readQuota } from '../../../core/src/upstream/quota.ts'

test.each([
  ['100;w=3600', 100, 3600],
  ['100;w=21600', 100, 21600],
  ['100 ; w=3600', 100, 3600],
  [' 0;w=21600', 0, 21600],
  ['200', 200, undefined],
  ['100, 200;w=1', 100, undefined],
  ['100;burst=5;w=60', 100, 60],
  ['100;w=', 100, undefined],
  ['100;w=9999999', 100, undefined],
])('%s', (header, count, windowSeconds) => {
  expect(parseQuota(header)).toEqual({ count, windowSeconds })
})

test.each([null, '', '-1;w=1', '1e3', 'unlimited', '9'.repeat(13), ';w=3600'])(
  '%s is none',
  (header) => {
    expect(parseQuota(header)).toBeUndefined()
  },
)

const now = Date.UTC(2026, 10, 21)
const both = { 'ratelimit-limit': '100;w=3600', 'ratelimit-remaining': '42;w=3600' }
const copies = { 'x-ratelimit-limit': '5;w=60', 'x-ratelimit-remaining': '4;w=60' }

test.each([
  [200, both, 100, 42, 3600],
  [200, { 'ratelimit-remaining': '7;w=30' }, undefined, 7, 30],
  [200, { 'ratelimit-limit': '7' }, 7, undefined, 60],
  [200, { ...both, 'ratelimit-reset': '90' }, 100, 42, 90],
  [200, { ...both, 'ratelimit-reset': String(now / 1000 + 120) }, 100, 42, 120],
  [200, { ...both, 'ratelimit-reset': String(now / 1000 - 120) }, 100, 42, 0],
  [200, { ...both, 'ratelimit-reset': 'soon' }, 100, 42, 3600],
  [429, copies, 5, 4, 60],
  [429, { ...both, ...copies }, 100, 42, 3600],
] as const)('%i with %j', (status, headers, limit, remaining, seconds) => {
  expect(readQuota(new Response('', { status, headers }), now)).toEqual({
    limit,
    remaining,
    endsAt: now + seconds * 1000,
  })
})

test.each([
  [200, copies],
  [200, {}],
  [429, {}],
  [200, { 'ratelimit-limit': 'many', 'ratelimit-remaining': 'some', 'ratelimit-reset': '5' }],
] as const)('%i with %j tells nothing', (status, headers) => {
  expect(readQuota(new Response('', { status, headers }), now)).toBeUndefined()
})
