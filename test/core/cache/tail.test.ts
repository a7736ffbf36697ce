import { describe, expect, test } from 'vitest'
import { createTail, type Tail } from '../../../core/src/cache/tail.ts'
import { inPieces, makeBytes } from '../../contract/content.ts'

const bytes = makeBytes(100)

function filled(pieceBytes = 10): Tail {
  const tail = createTail()
  for (const piece of inPieces(bytes, pieceBytes)) tail.push(piece)
  return tail
}

test('an empty one holds nothing', () => {
  const tail = createTail()
  expect(tail.end).toBe(0)
  expect(tail.at(0)).toBeUndefined()
  tail.release(0, 10)
  expect(tail.end).toBe(0)
})

test.each([1, 7, 10, 100])(
  'every position gives the right bytes, in pieces of %i',
  (pieceBytes) => {
    const tail = filled(pieceBytes)
    expect(tail.end).toBe(100)
    for (let position = 0; position < 100; position += 1) {
      const held = tail.at(position)!
      expect(held.byteLength).toBeGreaterThan(0)
      expect(held).toEqual(bytes.subarray(position, position + held.byteLength))
    }
    expect(tail.at(100)).toBeUndefined()
    expect(tail.at(1_000)).toBeUndefined()
  },
)

describe('letting go', () => {
  test.each([
    // position, keepBytes, first position that is still held
    [0, 0, 0],
    [9, 0, 0],
    [10, 0, 10],
    [55, 0, 50],
    [100, 0, 100],
    [1_000, 0, 100],
    [100, 20, 80],
    [100, 25, 70],
    [100, 95, 0],
    [100, 1_000, 0],
    [30, 20, 30],
  ])('up to %i but for %i bytes keeps all from %i', (position, keepBytes, first) => {
    const tail = filled()
    tail.release(position, keepBytes)
    if (first > 0) expect(tail.at(first - 1)).toBeUndefined()
    for (let index = first; index < 100; index += 1) {
      expect(tail.at(index)?.[0]).toBe(bytes[index])
    }
    expect(tail.end).toBe(100)
  })

  test('goes on while more comes', () => {
    const tail = createTail()
    for (const piece of inPieces(bytes, 10)) {
      tail.push(piece)
      tail.release(tail.end, 15)
    }
    expect(tail.at(79)).toBeUndefined()
    expect(tail.at(80)).toEqual(bytes.subarray(80, 90))
  })

  test('everything, and then more', () => {
    const tail = filled()
    tail.release(100, 0)
    tail.push(bytes.subarray(0, 5))
    expect(tail.end).toBe(105)
    expect(tail.at(99)).toBeUndefined()
    expect(tail.at(102)).toEqual(bytes.subarray(2, 5))
  })
})
