import { describe, expect, test } from 'vitest'
import type { KeyValue } from '@pullway/core'
import { createMemoryKeyValue } from '@pullway/memory'
import { createStoreReport } from '../../../core/src/cache/store-report.ts'
import { getJson, withForgiveness } from '../../../core/src/cache/state.ts'
import { createMetrics } from '../../../core/src/observe/metrics.ts'
import { createMemoryLogger } from '../../contract/memory-logger.ts'
import { createFakeClock } from '../../fakes/clock.ts'

test.each([
  ['{"a":1}', { a: 1 }],
  ['null', null],
  ['{"a":', undefined],
  ['', undefined],
  [undefined, undefined],
])('%s is read as %j', async (text, value) => {
  const store = createMemoryKeyValue({ clock: createFakeClock() })
  if (text !== undefined) await store.set('key', text, 10)
  expect(await getJson(store, 'key')).toEqual(value)
})

describe('a store that breaks', () => {
  function settle() {
    const inner = createMemoryKeyValue({ clock: createFakeClock() })
    const broken = new Set<keyof KeyValue>()
    const logger = createMemoryLogger()
    const metrics = createMetrics()
    const guard = <T>(name: keyof KeyValue, work: () => Promise<T>): Promise<T> =>
      broken.has(name) ? Promise.reject(new Error('disk full')) : work()
    const store = withForgiveness(
      {
        get: (key) => guard('get', () => inner.get(key)),
        set: (key, value, ttl) => guard('set', () => inner.set(key, value, ttl)),
        delete: (key) => guard('delete', () => inner.delete(key)),
      },
      createStoreReport(logger, metrics),
    )
    return { store, broken, logger, metrics }
  }

  test('is as one that remembers nothing', async () => {
    const { store, broken, metrics } = settle()
    await store.set('key', 'value', 10)
    broken.add('get').add('set').add('delete')
    expect(await store.get('key')).toBeUndefined()
    await store.set('key', 'other', 10)
    await store.delete('key')
    broken.clear()
    expect(await store.get('key')).toBe('value')
    for (const operation of ['state-read', 'state-write', 'state-delete'])
      expect(metrics.render()).toContain(`pullway_store_failures_total{operation="${operation}"} 1`)
  })

  test('is told of once, until it works again', async () => {
    const { store, broken, logger } = settle()
    broken.add('set')
    for (let count = 0; count < 5; count += 1) await store.set('key', 'value', 10)
    // Reading still works, which says nothing of writing.
    await store.get('key')
    await store.set('key', 'value', 10)
    expect(logger.entries).toEqual([
      {
        level: 'error',
        message: 'the cache fails; pulls go on without it',
        fields: { operation: 'state-write', error: 'Error: disk full' },
      },
    ])
    broken.clear()
    await store.set('key', 'value', 10)
    broken.add('set')
    await store.set('key', 'value', 10)
    expect(logger.entries).toHaveLength(2)
  })
})
