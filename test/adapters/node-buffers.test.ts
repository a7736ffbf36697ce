import { expect, test } from 'vitest'
import { createBufferPool } from '../../adapters/node/src/buffers.ts'

const mebibyte = 1024 * 1024

test('buffers are large for few streams and small for many, and bounded together', () => {
  const pool = createBufferPool()
  const taken = Array.from({ length: 1000 }, () => pool.take().length)
  expect(taken[0]).toBe(mebibyte / 4)
  expect(taken.at(-1)).toBe(16 * 1024)
  expect(taken).toEqual(taken.toSorted((a, b) => b - a))
  expect(taken.reduce((total, bytes) => total + bytes)).toBeLessThan(48 * mebibyte)
})

test('a buffer that came back is used again, unless the system may still read it', () => {
  const pool = createBufferPool()
  const first = pool.take()
  pool.give(first.length, first)
  expect(pool.take()).toBe(first)
  pool.give(first.length)
  expect(pool.take()).not.toBe(first)
})

test('streams that ended make room for large buffers again, and leave little behind', () => {
  const pool = createBufferPool()
  const many = Array.from({ length: 100 }, () => pool.take())
  for (const buffer of many) pool.give(buffer.length, buffer)
  const later = Array.from({ length: 32 }, () => pool.take())
  expect(later.every(({ length }) => length === mebibyte / 4)).toBe(true)
  const known = new Set(many)
  expect(later.filter((buffer) => known.has(buffer))).toHaveLength(16)
})
