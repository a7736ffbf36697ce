import { expect, test } from 'vitest'
import { formatCacheStatus } from '../../../core/src/observe/cache-status.ts'

/** RFC 9211, section 2: a list of caches, each a token with parameters; contract.md has the forms. */
const rows = [
  ['hit', 'pullway; hit'],
  ['miss', 'pullway; fwd=miss; stored'],
  ['pass', 'pullway; fwd=miss'],
  ['collapsed', 'pullway; fwd=miss; collapsed'],
  ['revalidated', 'pullway; fwd=stale; fwd-status=200'],
  ['partial', 'pullway; fwd=partial'],
  ['stale-rate-limited', 'pullway; hit; detail=stale-rate-limited'],
  ['stale-server-error', 'pullway; hit; detail=stale-server-error'],
  ['stale-timeout', 'pullway; hit; detail=stale-timeout'],
  ['stale-unreachable', 'pullway; hit; detail=stale-unreachable'],
  ['stale-not-found', 'pullway; hit; detail=stale-not-found'],
] as const

test.each(rows)('%s is %s', (outcome, header) => {
  expect(formatCacheStatus(outcome)).toBe(header)
})

test.each(rows)('%s: hit and fwd exclude each other, and fwd has a registered value', (outcome) => {
  const [cache, ...parameters] = formatCacheStatus(outcome).split('; ')
  const names = parameters.map((parameter) => parameter.split('=')[0])
  const forward = parameters.find((parameter) => parameter.startsWith('fwd='))?.slice(4)
  expect(cache).toBe('pullway')
  expect(names.filter((name) => name === 'hit' || name === 'fwd')).toHaveLength(1)
  // RFC 9211, section 2.2; `stored` and `collapsed` belong to what was forwarded.
  const registered = ['bypass', 'method', 'uri-miss', 'vary-miss', 'miss', 'request', 'stale']
  if (forward !== undefined) expect([...registered, 'partial']).toContain(forward)
  else expect(names).not.toContain('stored')
})
