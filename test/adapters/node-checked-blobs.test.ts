import { createMemoryBlobStore, withMemory } from '@pullway/memory'
import { describe, expect, test } from 'vitest'
import { withCheck } from '../../adapters/node/src/checked-blobs.ts'
import { put } from '../contract/blob-store.ts'
import { digestOf, makeBytes } from '../contract/content.ts'

const bytes = makeBytes(1000)
const first = { bytes, digest: digestOf(bytes) }

describe('a store whose files go bad', () => {
  test.each([
    ['cut short', first.bytes.slice(0, 500)],
    ['with a flipped bit', first.bytes.map((byte, index) => (index === 700 ? byte ^ 4 : byte))],
    ['too long', new Uint8Array([...first.bytes, 1])],
    ['empty', new Uint8Array(0)],
  ])('lets go of what is %s, in memory and in the store', async (_, bad) => {
    const inner = createMemoryBlobStore({ maxBytes: 10_000 })
    await put(inner, first.digest, bad)
    const store = withMemory(withCheck(inner, 2000), { maxBytes: 10_000, maxBlobBytes: 2000 })
    await expect(store.open(first.digest)).rejects.toThrow('had wrong bytes')
    expect(await store.open(first.digest)).toBeUndefined()
    expect(await inner.stat(first.digest)).toBeUndefined()
    await put(store, first.digest, first.bytes)
    for (let time = 0; time < 2; time += 1)
      expect(await store.open(first.digest)).toEqual({ size: 1000, content: first.bytes })
  })

  test('is asked past where a blob is large, or a part is wanted', async () => {
    const inner = createMemoryBlobStore({ maxBytes: 10_000 })
    const bad = first.bytes.map((byte) => byte ^ 1)
    await put(inner, first.digest, bad)
    expect((await withCheck(inner, 999).open(first.digest))?.size).toBe(1000)
    const part = await withCheck(inner, 2000).open(first.digest, { first: 0, last: 9 })
    expect(part?.content).toEqual(bad.slice(0, 10))
  })
})
