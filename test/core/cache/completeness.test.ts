import { describe, expect, test } from 'vitest'
import { createFakeClock } from '../../fakes/clock.ts'
import { createCompleteness } from '../../../core/src/cache/completeness.ts'
import { createStoreReport } from '../../../core/src/cache/store-report.ts'
import { createForgivingStore } from '../../../core/src/cache/store.ts'
import { createMetrics } from '../../../core/src/observe/metrics.ts'
import { makeBytes } from '../../contract/content.ts'
import { createMemoryLogger } from '../../contract/memory-logger.ts'
import { createFaultyStore } from '../support/faulty-store.ts'
import { type Content, contentOf, makeImage, makeIndex } from '../support/images.ts'
import { storeContents } from '../support/stored.ts'

const one = makeImage(1)
const two = makeImage(2)
const index = makeIndex(one, two)

async function settle(...contents: readonly Content[]) {
  const store = createFaultyStore()
  await storeContents(store, ...contents)
  const forgiving = createForgivingStore(
    store,
    createStoreReport(createMemoryLogger(), createMetrics()),
    createFakeClock(),
  )
  return { store, isComplete: createCompleteness(forgiving) }
}

describe('an image', () => {
  test.each([
    ['with all its blobs', [one, ...one.blobs], true],
    ['without its config', [one, ...one.blobs.slice(1)], false],
    ['without a layer', [one, ...one.blobs.slice(0, -1)], false],
    ['without its manifest', [...one.blobs], false],
    ['with its manifest only', [one], false],
  ])('%s', async (_, contents, expected) => {
    const { isComplete } = await settle(...contents)
    expect(await isComplete(one.digest)).toBe(expected)
  })
})

describe('an index', () => {
  test.each([
    ['with one of its images', [index, one, ...one.blobs], true],
    ['with the other one', [index, two, ...two.blobs], true],
    ['with halves of both', [index, one, two, one.blobs[0]!, two.blobs[1]!], false],
    ['with the blobs of one and the manifest of the other', [index, one, ...two.blobs], false],
    ['alone', [index], false],
  ])('%s', async (_, contents, expected) => {
    const { isComplete } = await settle(...contents)
    expect(await isComplete(index.digest)).toBe(expected)
  })

  test('of indexes, but not without an end', async () => {
    const nested = makeIndex(makeIndex(one) as never)
    const deeper = makeIndex(nested as never)
    const inner = makeIndex(one)
    const contents = [one, ...one.blobs, inner, nested, deeper]
    const { isComplete } = await settle(...contents)
    expect(await isComplete(nested.digest)).toBe(true)
    expect(await isComplete(deeper.digest)).toBe(false)
  })
})

test('what is no manifest is not complete', async () => {
  const page = contentOf(makeBytes(100))
  const { isComplete } = await settle(page)
  expect(await isComplete(page.digest)).toBe(false)
})

test('what cannot be read is not complete', async () => {
  const { store, isComplete } = await settle(one, ...one.blobs)
  store.fail('open')
  expect(await isComplete(one.digest)).toBe(false)
  store.repair()
  store.fail('stat')
  expect(await isComplete(one.digest)).toBe(false)
})
