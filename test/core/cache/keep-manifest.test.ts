import { expect, test } from 'vitest'
import { createMemoryKeyValue } from '@pullway/memory'
import { createHoldings } from '../../../core/src/cache/holdings.ts'
import { createKeepManifest } from '../../../core/src/cache/keep-manifest.ts'
import { parseManifest } from '../../../core/src/cache/manifest.ts'
import { createStoreReport } from '../../../core/src/cache/store-report.ts'
import { createForgivingStore } from '../../../core/src/cache/store.ts'
import { createMetrics } from '../../../core/src/observe/metrics.ts'
import { readContent } from '../../contract/content.ts'
import { createMemoryLogger } from '../../contract/memory-logger.ts'
import { createFakeClock } from '../../fakes/clock.ts'
import { createFaultyStore, type StoreFault } from '../support/faulty-store.ts'
import { type Content, makeImage, makeIndex } from '../support/images.ts'
import { routeTo } from '../support/upstream-config.ts'

const image = makeImage(1)
const index = makeIndex(image, makeImage(2))
const here = routeTo('owner/app')
const elsewhere = routeTo('owner/other')

function settle() {
  const store = createFaultyStore()
  const logger = createMemoryLogger()
  const clock = createFakeClock()
  const holdings = createHoldings(createMemoryKeyValue({ clock }))
  const keep = createKeepManifest({
    store: createForgivingStore(store, createStoreReport(logger, createMetrics()), clock),
    holdings,
    clock,
    logger,
  })
  const keepContent = ({ bytes, digest, mediaType }: Content): Promise<void> =>
    keep(here, { ...parseManifest(bytes, mediaType)!, digest, bytes })
  return { store, clock, logger, holdings, keepContent }
}

test('its bytes are in the store as they came', async () => {
  const { store, keepContent } = settle()
  await keepContent(index)
  expect(await readContent((await store.open(index.digest))!)).toEqual(index.bytes)
  expect(store.openWrites).toBe(0)
})

test('its repository is known to hold it and what it names, another one is not', async () => {
  const { holdings, keepContent } = settle()
  await keepContent(index)
  await keepContent(image)
  for (const { digest, mediaType, bytes } of [index, ...index.images])
    expect(await holdings.find(here, digest)).toEqual({
      kind: 'manifest',
      mediaType,
      size: bytes.byteLength,
    })
  for (const { digest, mediaType, bytes } of image.blobs) {
    const holding = { kind: 'blob', mediaType, size: bytes.byteLength }
    expect(await holdings.find(here, digest)).toEqual(holding)
    expect(await holdings.find(elsewhere, digest)).toBeUndefined()
  }
})

test.each<StoreFault>(['write', 'append', 'commit'])(
  'a store that fails to %s costs one log line and nothing else',
  async (fault) => {
    const { store, logger, holdings, keepContent } = settle()
    store.fail(fault)
    await keepContent(index)
    await keepContent(image)
    expect(await store.stat(index.digest)).toBeUndefined()
    expect(await holdings.find(here, index.digest)).toMatchObject({ kind: 'manifest' })
    expect(logger.entries.map(({ level }) => level)).toEqual(['error'])
    expect(store.openWrites).toBe(0)
  },
)

test('a store that hangs is not waited for, and not asked again for a while', async () => {
  const { store, clock, logger, keepContent } = settle()
  let writes = 0
  store.write = async () => {
    writes += 1
    const hang = (): Promise<never> => new Promise(() => undefined)
    return { append: hang, commit: hang, release: hang }
  }
  const keeping = keepContent(image)
  await clock.advance(3_000)
  await keeping
  expect(logger.entries.map(({ level }) => level)).toEqual(['error'])
  await keepContent(image)
  expect(writes).toBe(1)
  expect(clock.sleepers).toBe(0)
})
