import { expect, test } from 'vitest'
import { createFillMemory, type MemoryShare } from '../../../core/src/cache/fill-memory.ts'

const kibibyte = 1024
const mebibyte = 1024 * kibibyte

function allowed(share: MemoryShare): readonly number[] {
  return [share.waitingBytes() / kibibyte, share.tailBytes() / kibibyte]
}

test.each([
  // KiB that the others hold, KiB that may wait, KiB of tail
  [0, 512, 256],
  [7 * 1024, 512, 256],
  [8 * 1024 - 300, 300, 256],
  [8 * 1024 - 64, 64, 64],
  // Less than a chunk is none.
  [8 * 1024 - 63, 0, 0],
  [8 * 1024, 0, 0],
  [100 * 1024, 0, 0],
])('where others hold %i KiB, %i KiB may wait, and the tail has %i', (held, waiting, tail) => {
  const memory = createFillMemory()
  const share = memory.share()
  memory.share().hold(held * kibibyte)
  expect(allowed(share)).toEqual([waiting, tail])
})

test('what was let go of is there for all', () => {
  const memory = createFillMemory()
  const [one, other] = [memory.share(), memory.share()]
  one.hold(8 * mebibyte)
  other.hold(mebibyte)
  expect(allowed(other)).toEqual([0, 0])
  one.hold(7 * mebibyte)
  expect(allowed(other)).toEqual([0, 0])
  one.hold(0)
  one.hold(0)
  expect(allowed(other)).toEqual([512, 256])
  expect(allowed(one)).toEqual([512, 256])
})

test('five hundred that take what they may hold no more than a chunk each beyond the bound', () => {
  const memory = createFillMemory()
  const held = Array.from({ length: 500 }, () => {
    const share = memory.share()
    let bytes = 64 * kibibyte
    share.hold(bytes)
    // Half of what may wait is what is being written.
    while (bytes <= 2 * share.waitingBytes()) share.hold((bytes += 64 * kibibyte))
    return bytes
  })
  expect(held[0]).toBeGreaterThan(mebibyte)
  expect(held.at(-1)).toBe(64 * kibibyte)
  const total = held.reduce((sum, bytes) => sum + bytes)
  expect(total).toBeLessThan(8 * mebibyte + 500 * 64 * kibibyte)
})
