import { expect, test } from 'vitest'
import { createMetrics } from '../../../core/src/observe/metrics.ts'
import { parseQuota, recordQuota } from '../../../core/src/upstream/quota.ts'

test.each([
  ['100;w=3600', 100],
  ['100;w=21600', 100],
  ['100 ; w=3600', 100],
  [' 0;w=21600', 0],
  ['200', 200],
  ['100, 200;w=1', 100],
  [null, undefined],
  ['', undefined],
  ['-1;w=1', undefined],
  ['1e3', undefined],
  ['unlimited', undefined],
  ['9'.repeat(13), undefined],
  [';w=3600', undefined],
])('%s', (header, quota) => {
  expect(parseQuota(header)).toBe(quota)
})

test.each([
  [{ 'ratelimit-limit': '100;w=3600', 'ratelimit-remaining': '42;w=3600' }, '100', '42'],
  [{ 'ratelimit-remaining': '7;w=3600' }, undefined, '7'],
  [{ 'x-ratelimit-limit': '5;w=60', 'x-ratelimit-remaining': '4;w=60' }, undefined, undefined],
  [{}, undefined, undefined],
] as const)('%j', (headers, limit, remaining) => {
  const metrics = createMetrics()
  recordQuota(new Headers(headers), metrics, 'docker.io', 'registry-1.docker.io')
  const shown = (name: string): string | undefined =>
    new RegExp(
      `pullway_upstream_quota_${name}\\{upstream="docker.io",endpoint="registry-1.docker.io"\\} (\\d+)`,
    ).exec(metrics.render())?.[1]
  expect([shown('limit'), shown('remaining')]).toEqual([limit, remaining])
})
