import { expect, test } from 'vitest'
import { createMetrics } from '../../../core/src/observe/metrics.ts'

/** The names and labels of contract.md, and the three that name what this mirror alone can tell. */
const names: readonly (readonly [string, string])[] = [
  ['requests_total', 'counter'],
  ['cache_requests_total', 'counter'],
  ['client_bytes_total', 'counter'],
  ['upstream_bytes_total', 'counter'],
  ['upstream_requests_total', 'counter'],
  ['upstream_request_duration_seconds', 'histogram'],
  ['upstream_quota_limit', 'gauge'],
  ['upstream_quota_remaining', 'gauge'],
  ['resumes_total', 'counter'],
  ['coalesced_total', 'counter'],
  ['active_blob_streams', 'gauge'],
  ['rejected_total', 'counter'],
  ['store_failures_total', 'counter'],
  ['digest_mismatches_total', 'counter'],
]

test.each(names)('pullway_%s is a %s', (name, type) => {
  const lines = createMetrics().render().split('\n')
  expect(lines).toContain(`# TYPE pullway_${name} ${type}`)
  expect(lines.filter((line) => line.startsWith(`# HELP pullway_${name} `))).toHaveLength(1)
})

test('metrics without labels are there from the start', () => {
  const text = createMetrics().render()
  for (const name of ['resumes_total', 'coalesced_total', 'active_blob_streams'])
    expect(text).toContain(`\npullway_${name} 0\n`)
})

test('every line has the form of the text format', () => {
  const metrics = createMetrics()
  metrics.requests.add(1, 'docker.io', 'manifest', '200')
  metrics.upstreamSeconds.observe(0.2, 'docker.io')
  const name = '[a-z_]+'
  const labels = '\\{[a-z_]+="[^"]*"(?:,[a-z_]+="[^"]*")*\\}'
  const form = new RegExp(
    `^(?:# (?:HELP|TYPE) pullway_${name} .+|pullway_${name}(?:${labels})? [\\d.e+-]+)$`,
  )
  const text = metrics.render()
  expect(text.endsWith('\n')).toBe(true)
  for (const line of text.slice(0, -1).split('\n')) expect(line).toMatch(form)
})

test('counters and gauges add up by their labels', () => {
  const metrics = createMetrics()
  metrics.requests.add(1, 'docker.io', 'manifest', '200')
  metrics.requests.add(2, 'docker.io', 'manifest', '200')
  metrics.requests.add(1, 'docker.io', 'blob', '200')
  metrics.cacheRequests.add(1, 'ghcr.io', 'blob', 'hit')
  metrics.clientBytes.add(10, 'ghcr.io')
  metrics.upstreamRequests.add(1, 'docker.io', 'auth.docker.io', '200')
  metrics.quotaLimit.set(100, 'docker.io', 'registry-1.docker.io')
  metrics.quotaRemaining.set(99, 'docker.io', 'registry-1.docker.io')
  metrics.quotaRemaining.set(98, 'docker.io', 'registry-1.docker.io')
  metrics.activeBlobStreams.add(1)
  metrics.activeBlobStreams.add(1)
  metrics.activeBlobStreams.add(-1)
  const lines = metrics.render().split('\n')
  for (const line of [
    'pullway_requests_total{upstream="docker.io",kind="manifest",status="200"} 3',
    'pullway_requests_total{upstream="docker.io",kind="blob",status="200"} 1',
    'pullway_cache_requests_total{upstream="ghcr.io",kind="blob",result="hit"} 1',
    'pullway_client_bytes_total{upstream="ghcr.io"} 10',
    'pullway_upstream_requests_total{upstream="docker.io",endpoint="auth.docker.io",status="200"} 1',
    'pullway_upstream_quota_limit{upstream="docker.io",endpoint="registry-1.docker.io"} 100',
    'pullway_upstream_quota_remaining{upstream="docker.io",endpoint="registry-1.docker.io"} 98',
    'pullway_active_blob_streams 1',
  ])
    expect(lines).toContain(line)
})

test('label values are escaped', () => {
  const metrics = createMetrics()
  metrics.rejected.add(1, 'a"b\\c\nd')
  expect(metrics.render()).toContain('pullway_rejected_total{reason="a\\"b\\\\c\\nd"} 1\n')
})

test('a histogram counts into all the buckets that hold a value, and sums', () => {
  const metrics = createMetrics()
  for (const seconds of [0.005, 0.2, 20]) metrics.upstreamSeconds.observe(seconds, 'docker.io')
  const name = 'pullway_upstream_request_duration_seconds'
  const buckets = [
    ...metrics.render().matchAll(new RegExp(`${name}_bucket\\{.*le="(.*)"\\} (\\d+)`, 'g')),
  ]
  expect(buckets.map(([, bound, count]) => `${bound}:${count}`)).toEqual([
    '0.005:1',
    '0.01:1',
    '0.025:1',
    '0.05:1',
    '0.1:1',
    '0.25:2',
    '0.5:2',
    '1:2',
    '2.5:2',
    '5:2',
    '10:2',
    '15:2',
    '+Inf:3',
  ])
  const lines = metrics.render().split('\n')
  expect(lines).toContain(`${name}_sum{upstream="docker.io"} 20.205`)
  expect(lines).toContain(`${name}_count{upstream="docker.io"} 3`)
})

test('two mirrors in one process count for themselves', () => {
  const [one, other] = [createMetrics(), createMetrics()]
  one.resumes.add(1)
  expect(one.render()).toContain('pullway_resumes_total 1\n')
  expect(other.render()).toContain('pullway_resumes_total 0\n')
})
