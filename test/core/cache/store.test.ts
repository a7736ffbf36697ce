import { expect, test } from 'vitest'
import { createFakeClock } from '../../fakes/clock.ts'
import { createStoreReport } from '../../../core/src/cache/store-report.ts'
import { createForgivingStore } from '../../../core/src/cache/store.ts'
import { createMetrics } from '../../../core/src/observe/metrics.ts'
import { digestOf, makeBytes, readContent } from '../../contract/content.ts'
import { createMemoryLogger } from '../../contract/memory-logger.ts'
import { createFaultyStore } from '../support/faulty-store.ts'

const bytes = makeBytes(100)
const digest = digestOf(bytes)

function settle() {
  const inner = createFaultyStore()
  const logger = createMemoryLogger()
  const metrics = createMetrics()
  const clock = createFakeClock()
  return {
    clock,
    inner,
    logger,
    metrics,
    store: createForgivingStore(inner, createStoreReport(logger, metrics), clock),
  }
}

test('a store that works is as it is', async () => {
  const { store, logger } = settle()
  const write = (await store.write(digest, 100))!
  await write.append([bytes])
  await write.commit()
  await write.release()
  expect(await store.stat(digest)).toEqual({ size: 100 })
  const part = await store.open(digest, { first: 10, last: 19 })
  expect(await readContent(part!)).toEqual(bytes.subarray(10, 20))
  expect(logger.entries).toEqual([])
})

test('what cannot be read is absent', async () => {
  const { inner, store, logger, metrics } = settle()
  inner.fail('stat')
  inner.fail('open')
  expect(await store.stat(digest)).toBeUndefined()
  expect(await store.open(digest)).toBeUndefined()
  expect(logger.entries.map(({ level }) => level)).toEqual(['error'])
  expect(metrics.render()).toContain('pullway_store_failures_total{operation="read"} 2')
})

test('a store that takes no writes is told of once, until one succeeds', async () => {
  const { inner, store, logger, metrics } = settle()
  inner.fail('write')
  expect(await store.write(digest, 100)).toBeUndefined()
  expect(await store.write(digest, 100)).toBeUndefined()
  store.reportWrite(new Error('append: no space left on device'))
  expect(logger.entries).toHaveLength(1)
  expect(logger.entries[0]).toMatchObject({
    level: 'error',
    message: 'the cache fails; pulls go on without it',
    fields: { operation: 'write', error: 'Error: write: no space left on device' },
  })
  expect(metrics.render()).toContain('pullway_store_failures_total{operation="write"} 3')
  store.reportCommit()
  expect(await store.write(digest, 100)).toBeUndefined()
  expect(logger.entries).toHaveLength(2)
})

test('a store that hangs is not asked again for a while, and works again after it', async () => {
  const { inner, store, clock } = settle()
  const write = await inner.write(digest)
  await write.append([bytes])
  await write.commit()
  await write.release()
  const stat = inner.stat.bind(inner)
  let asked = 0
  inner.stat = async () => {
    asked += 1
    await clock.sleep(5_000)
    throw new Error('no answer in time')
  }
  const first = store.stat(digest)
  await clock.advance(5_000)
  expect(await first).toBeUndefined()
  expect(await store.stat(digest)).toBeUndefined()
  expect(await store.open(digest)).toBeUndefined()
  expect(asked).toBe(1)
  inner.stat = stat
  await clock.advance(10_000)
  expect(await store.stat(digest)).toEqual({ size: 100 })
})

test('a clock that is set back ends the rest rather than lengthen it', async () => {
  const inner = createFaultyStore()
  const report = createStoreReport(createMemoryLogger(), createMetrics())
  let now = 10_000_000
  const store = createForgivingStore(inner, report, { ...createFakeClock(), now: () => now })
  store.reportHang(new Error('not stored in time'))
  expect(await store.write(digest, 100)).toBeUndefined()
  now -= 3_600_000
  expect(await store.write(digest, 100)).toBeDefined()
})

test('one blob that cannot be read is no reason to leave the others', async () => {
  const { inner, store } = settle()
  const write = await inner.write(digest)
  await write.append([bytes])
  await write.commit()
  await write.release()
  inner.fail('open')
  expect(await store.open(digest)).toBeUndefined()
  expect(await store.stat(digest)).toEqual({ size: 100 })
})

test('what is damaged is removed, also where that fails', async () => {
  const { inner, store, metrics } = settle()
  inner.remove = () => Promise.reject(new Error('read-only file system'))
  await store.remove(digest)
  expect(metrics.render()).toContain('pullway_store_failures_total{operation="remove"} 1')
})
